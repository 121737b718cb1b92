package agent

import (
	"context"
	"errors"
	"fmt"

	"unbindd/agent/ledger"
)

// Three people may sign that nothing is saved of a ledger that cannot be opened.
// The reader's events still have to be taken over before its keys go, and what was
// acknowledged must not hang on the command: it may be cancelled, and the ledger
// put back. So they go into a ledger of another name. Nothing is moved, so that a
// cut finds either of the two as it was; when the ledger opens again, it takes over
// what lies beside it. What lies there is erased with the leavings.

// mostBeside bounds how many ledgers may lie beside the first, each begun because
// those before it could not be opened.
const mostBeside = 16

// openOwn opens the ledger, and takes into it what was kept beside it.
func (a *Agent) openOwn(o ledger.Options) (*ledger.Ledger, error) {
	l, err := ledger.Open(a.at.ledger(), o)
	if err != nil {
		return nil, err
	}
	if err := a.takeBeside(l, o); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	a.remember(l)
	return l, nil
}

// takeBeside is repeated at each opening, in constant time where there is nothing
// new. Whatever it took stays where it was too.
func (a *Agent) takeBeside(l *ledger.Ledger, o ledger.Options) error {
	o.Known, o.NoCreate = 0, true
	for n := 1; n <= mostBeside && exists(a.at.beside(n)); n++ {
		other, err := ledger.Open(a.at.beside(n), o)
		if errors.Is(err, ledger.ErrAbsent) {
			continue // a cut came before its first record
		}
		if err == nil {
			err = errors.Join(l.TakeFrom(context.Background(), other, string(a.identity().binding.Reader.SN)), other.Close())
		}
		if err != nil {
			return fmt.Errorf("cannot take over what was kept beside the ledger, number %d: %w", n, err)
		}
	}
	return nil
}

// openBeside opens the first ledger beside the lost one that can be opened, or
// begins one. The gate says in the certificate what is lost of the others.
func (a *Agent) openBeside(o ledger.Options) (l *ledger.Ledger, err error) {
	o.Known, o.NoCreate = 0, false
	for n := 1; n <= mostBeside; n++ {
		if l, err = ledger.Open(a.at.beside(n), o); !isDamage(err) {
			return l, err
		}
	}
	return nil, err
}

func (a *Agent) isBeside(l *ledger.Ledger) bool { return l.Dir() != a.at.ledger() }

// wholeLedger reads all of it, and says whether its end is there; of one that is
// kept beside a lost one, what is wrong with that one.
func (a *Agent) wholeLedger(ctx context.Context, l *ledger.Ledger) error {
	if err := l.Verify(ctx); err != nil {
		return err
	}
	o, err := a.ledgerOptions()
	if err != nil {
		return err
	}
	if !a.isBeside(l) {
		return l.Lacks(o.Known)
	}
	o.NoCreate = true
	dir := a.at.ledger()
	for n := 1; dir != l.Dir(); n++ {
		lost, err := ledger.Open(dir, o)
		if err != nil {
			return err
		}
		if err := lost.Close(); err != nil {
			return err
		}
		dir, o.Known = a.at.beside(n), 0
	}
	return again("the ledger is back")
}

// damageCounts says how many records of the ledger can be read; of one beside it
// only where something is wrong with that too.
func (a *Agent) damageCounts(ctx context.Context) (string, error) {
	o, err := a.ledgerOptions()
	if err != nil {
		return "", err
	}
	r, err := countable(ctx, a.at.ledger(), o)
	if err != nil {
		return "", err
	}
	counts := r.Counts()
	o.Known = 0
	for n := 1; n <= mostBeside && exists(a.at.beside(n)); n++ {
		r, err := countable(ctx, a.at.beside(n), o)
		if err != nil {
			return "", err
		}
		if !r.Sound() {
			counts += fmt.Sprintf("; beside it, %d: %s", n, r.Counts())
		}
	}
	return counts, nil
}

// countable is a check of which damage is never an error: of what is no ledger of
// this terminal at all no record can be read.
func countable(ctx context.Context, dir string, o ledger.Options) (ledger.Report, error) {
	r, err := ledger.Check(ctx, dir, o)
	switch {
	case errors.Is(err, ledger.ErrAbsent):
		return ledger.Report{}, nil
	case isDamage(err):
		return ledger.Report{Records: o.Known, Segments: []ledger.Segment{{Open: true, Damage: err.Error()}}}, nil
	}
	return r, err
}
