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
// what it wrote is taken back, and who asked runs it once more, alone. The others go
// on where they are: however many fail, nobody runs more than twice.
func (b *Base) commit(calls []call) {
	var kept, alone []call
	var later []func(store.Rows) error
	var broken error
	err := b.update(func(r store.Rows) error {
		u := undo{Rows: r}
		for _, c := range calls {
			u.next()
			panicked, failed := try(c.f, &u)
			switch {
			case failed == nil && !panicked:
				kept, later = append(kept, c), append(later, u.later...)
				continue
			case !panicked:
				if panicked, broken = try(func(store.Rows) error { return u.back() }, r); panicked {
					broken = errAlone
				}
			default:
				broken = errAlone // nobody knows where it was when it stopped
			}
			if broken != nil {
				return broken
			}
			alone = append(alone, c)
		}
		if len(kept) == 0 {
			return errAlone // there is nothing to write
		}
		for _, f := range later {
			if panicked, failed := try(f, r); panicked || failed != nil {
				broken = errAlone
				return broken
			}
		}
		return nil
	})
	if broken != nil {
		b.singly(calls)
		return
	}
	if len(kept)+len(alone) == 0 {
		kept = calls // the base takes no changes any more, and none of them ran
	}
	for _, c := range kept {
		c.said <- err
	}
	for _, c := range alone {
		c.said <- errAlone
	}
}

// singly commits them one by one, where they could not be told apart in one
// transaction. One that panics does so where it was asked for.
func (b *Base) singly(calls []call) {
	for _, c := range calls {
		c.said <- b.update(func(r store.Rows) error {
			panicked, err := try(c.f, r)
			if panicked {
				return errAlone
			}
			return err
		})
	}
}

// try keeps a change that panics from ending the desk: it will panic again where
// it was asked for.
func try(f func(store.Rows) error, r store.Rows) (panicked bool, err error) {
	defer func() { panicked = recover() != nil }()
	return false, f(r)
}

// update runs f in a transaction of its own. An error after f is over and content
// comes of the commit: what is on the medium is then known to nobody. A page that f
// itself wanted and did not get has written nothing.
func (b *Base) update(f func(store.Rows) error) error {
	if b.dead() {
		return store.ErrUnknown
	}
	var said error
	over := false
	err := b.db.Update(func(tx *bbolt.Tx) error {
		id := tx.ID()
		tx.OnCommit(func() { b.settle(id, false) })
		said = f(rowsOf(tx))
		over = true
		return said
	})
	if err == nil || !over || said != nil {
		return named(err)
	}
	b.settle(0, true)
	return fmt.Errorf("%w: %w", store.ErrUnknown, err)
}
