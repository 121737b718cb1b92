package bolt

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"unbindd/cmd/unbind-desk/internal/store"
)

// groupMost is how many changes share a commit at most, and groupWait how long the
// first of them waits for as many as came last time. Who is alone waits for nobody.
const (
	groupMost = 1000
	groupWait = 2 * time.Millisecond
)

var (
	errAlone  = errors.New("this change runs alone")
	errClosed = errors.New("cannot change the store: it is closed")
)

// call is a change that waits for its commit; said is told once.
type call struct {
	f    func(store.Rows) error
	said chan error
}

// group is what waits for the next commit.
type group struct {
	calls []call
	last  int           // how many shared the commit before
	come  chan struct{} // somebody came
	end   chan struct{}
	ended chan struct{}
}

func newGroup() group {
	return group{come: make(chan struct{}, 1), end: make(chan struct{}), ended: make(chan struct{})}
}

// join puts a change into the next commit.
func (b *Base) join(f func(store.Rows) error) error {
	c := call{f: f, said: make(chan error, 1)}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return errClosed
	}
	b.next.calls = append(b.next.calls, c)
	b.mu.Unlock()
	b.next.ring()
	if err := <-c.said; !errors.Is(err, errAlone) {
		return err
	}
	return b.update(f)
}

func (g *group) ring() {
	select {
	case g.come <- struct{}{}:
	default: // it is rung already
	}
}

// commits runs until the base is closed: while one group is being written and
// synced, the next one gathers.
func (b *Base) commits() {
	defer close(b.next.ended)
	for {
		select {
		case <-b.next.come:
		case <-b.next.end:
			if calls := b.take(groupMost); len(calls) > 0 {
				b.commit(calls)
				continue
			}
			return
		}
		b.gather()
		for calls := b.take(groupMost); len(calls) > 0; calls = b.take(groupMost) {
			b.commit(calls)
			b.gather()
		}
	}
}

// gather waits a moment when the last commit was shared: those who shared it are
// on their way again.
func (b *Base) gather() {
	over := time.NewTimer(groupWait)
	defer over.Stop()
	for {
		b.mu.Lock()
		enough := len(b.next.calls) == 0 || len(b.next.calls) >= b.next.last
		b.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-b.next.come:
		case <-over.C:
			return
		case <-b.next.end:
			return
		}
	}
}

func (b *Base) take(most int) []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(most, len(b.next.calls))
	calls := b.next.calls[:n:n]
	b.next.calls = b.next.calls[n:]
	if n > 0 {
		b.next.last = n
	}
	if len(b.next.calls) == 0 {
		b.next.calls = nil
	}
	return calls
}

// commit writes what all of them want, in one transaction. One that fails must not
// have been judged by what the others were about to write, nor may it spoil theirs:
// who asked runs it once more, alone, and the others begin again without it.
func (b *Base) commit(calls []call) {
	for len(calls) > 0 {
		wrong := -1
		err := b.update(func(r store.Rows) error {
			for i, c := range calls {
				if err := b.try(c.f, r); err != nil {
					wrong = i
					return err
				}
			}
			return nil
		})
		if wrong < 0 {
			for _, c := range calls {
				c.said <- err
			}
			return
		}
		calls[wrong].said <- errAlone
		calls = append(calls[:wrong:wrong], calls[wrong+1:]...)
	}
}

// try keeps a change that panics from ending the desk: it will panic again where
// it was asked for.
func (b *Base) try(f func(store.Rows) error, r store.Rows) (err error) {
	defer func() {
		if recover() != nil {
			err = errAlone
		}
	}()
	return f(r)
}

// update runs f in a transaction of its own. An error that is not f's comes of the
// commit: what is on the medium is then known to nobody.
func (b *Base) update(f func(store.Rows) error) error {
	if b.dead() {
		return store.ErrUnknown
	}
	var said error
	ran := false
	err := b.db.Update(func(tx *bbolt.Tx) error {
		ran = true
		id := tx.ID()
		tx.OnCommit(func() { b.settle(id, false) })
		said = f(rows{tx})
		return said
	})
	if err == nil || !ran || said != nil {
		return err
	}
	b.settle(0, true)
	return fmt.Errorf("%w: %w", store.ErrUnknown, err)
}
