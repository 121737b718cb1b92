package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// patrolStep is how many records are read before the others are let through.
const patrolStep = 512

// Patrol is Verify while others append. Sealed segments are read from files of
// its own; of the last one a few records at a time, so that nobody who begins
// the next segment waits for more than one look at its pages. It rests as long
// as it worked, and takes no more memory than a record and a bit for each page.
// It reads as far as the last segment that there was when it began. ErrDamaged means that
// this Ledger writes nothing more.
func (l *Ledger) Patrol(ctx context.Context) error {
	p := &patrol{verifier: &verifier{sealer: l.sealer, ctx: ctx}, l: l, began: time.Now()}
	err := guard(p.all)
	if errors.Is(err, ErrDamaged) {
		l.harmed.Store(true)
	}
	if err != nil {
		return fmt.Errorf("cannot verify the ledger: %w", err)
	}
	return nil
}

type patrol struct {
	*verifier
	l     *Ledger
	began time.Time // when it last came back from a rest
}

// all reads the segments that there are when it begins. Those that come while it
// reads are the next patrol's, or it would run after a busy reader without end.
func (p *patrol) all() error {
	for n, until := uint64(1), p.l.current.Load().segment; n <= until; n++ {
		sealed, err := p.last(n)
		if err != nil || !sealed {
			return err
		}
		if err := p.l.walkSealed(n, p.look); err != nil {
			return err
		}
	}
	return nil
}

// last reads segment n if it is the last one; true if it is not, or not any more.
func (p *patrol) last(n uint64) (sealed bool, err error) {
	var before *running
	if p.run != nil {
		before = p.run.clone()
	}
	for first, more := true, true; more; first = false {
		if sealed, more, err = p.some(n, first); err != nil {
			return false, err
		}
		if sealed {
			p.run = before
			return true, nil
		}
		if err := p.rest(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// some reads the next few records of the last segment in a transaction of their
// own, and says whether there are more.
func (p *patrol) some(n uint64, first bool) (sealed, more bool, err error) {
	db, tx, segment, err := p.l.snapshot()
	if err != nil {
		return false, false, err
	}
	defer db.end(tx)
	if segment != n {
		return true, false, nil
	}
	if err := checkPages(tx, db.file, first); err != nil {
		return false, false, err
	}
	st, err := readState(tx, p.sealer, n)
	if err == nil && first {
		err = p.begin(tx, st)
	}
	if err != nil {
		return false, false, err
	}
	left := patrolStep
	err = scan(p.ctx, tx, p.sealer, p.run, func([32]byte, []byte) error {
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return false, true, nil
	}
	if err != nil {
		return false, false, err
	}
	return false, false, p.end(st)
}

// errEnough ends one step of a patrol.
var errEnough = errors.New("enough for now")

// look reads a sealed segment.
func (p *patrol) look(tx *bbolt.Tx, st *state, _ bool) error {
	if err := p.begin(tx, st); err != nil {
		return err
	}
	read := 0
	err := scan(p.ctx, tx, p.sealer, p.run, func([32]byte, []byte) error {
		if read++; read%patrolStep == 0 {
			return p.rest()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return p.end(st)
}

// rest lets the others work for as long as this one did.
func (p *patrol) rest() error {
	t := time.NewTimer(time.Since(p.began))
	defer t.Stop()
	select {
	case <-p.ctx.Done():
		return p.ctx.Err()
	case <-t.C:
		p.began = time.Now()
		return nil
	}
}
