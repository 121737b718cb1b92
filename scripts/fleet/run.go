package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"unbindd/agent/merkle"
)

// Story is what a journey came to.
type Story struct {
	Terminals int
	Enlist    Pace
	Connect   Pace
	Order     Pace
	Deliver   []Delivery
	Killed    Killed
	Idle      Idle
	Audit     Audit
	Disk      int64 // bytes of desk.db at the end
}

// Delivery is one stretch of certificates.
type Delivery struct {
	Workers int
	Pace
	Load string
}

// Killed is what a cut of the desk's power in the middle of it did.
type Killed struct {
	Receipted  int64 // before the cut
	Unanswered int64 // certificates on their way when it came
	Back       time.Duration
}

// Idle is what waiting terminals cost.
type Idle struct {
	Waiting    int64
	RSS, Anon  int64 // more than before
	Goroutines int   // more than before
	CPU        float64
	Handshakes float64 // a second
}

// Fleet takes so many terminals through the whole journey at one new desk: enrol,
// connect, wait, be woken by a command, deliver the certificate while the desk is
// killed once, and be audited. told hears how far it is.
func Fleet(ctx context.Context, program, dir string, n int, watch time.Duration, told func(string, ...any)) (s Story, err error) {
	if err := Raise(n); err != nil {
		return s, err
	}
	o, err := Found(ctx, program, dir)
	if err != nil {
		return s, err
	}
	if err := o.Start(ctx); err != nil {
		return s, err
	}
	r := &journey{office: o, told: told, watch: watch, Story: Story{Terminals: n}}
	defer func() { HangUp(r.all) }()
	if err := r.run(ctx); err != nil {
		return r.Story, errors.Join(err, o.Kill())
	}
	HangUp(r.all)
	return r.Story, o.Stop()
}

// journey is a fleet on its way.
type journey struct {
	Story
	office *Office
	all    []*Terminal
	told   func(string, ...any)
	watch  time.Duration
	first  merkle.Checkpoint
}

func (r *journey) run(ctx context.Context) (err error) {
	r.told("enrol %d terminals", r.Terminals)
	if r.all, r.Enlist, err = r.office.Enlist(ctx, 1, r.Terminals); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"connect them, and let them wait", r.wait},
		{"publish a command for each", r.order},
		{"deliver the certificates", r.deliver},
		{"deliver on while the desk is killed", r.deliverCut},
		{"repeat some, and others' bytes", r.repeat},
		{"audit", r.audit},
	} {
		r.told("%s", step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("cannot %s: %w", step.what, err)
		}
	}
	return nil
}

// wait opens every connection, and has every terminal ask for its orders and wait.
// Then nothing is done for a while, and that is watched.
func (r *journey) wait(ctx context.Context) error {
	before, vitals, err := r.look(ctx)
	if err != nil {
		return err
	}
	if r.Connect, err = r.office.Connect(ctx, r.all, 32); err != nil {
		return err
	}
	r.Idle.Handshakes = r.Connect.PerSecond()
	patient := http.Header{"Prefer": {"wait=55"}}
	if _, err := Crowd(ctx, 8, r.all, func(t *Terminal) error { return t.Line.Send(http.MethodGet, t.orders(), patient, nil) }); err != nil {
		return err
	}
	var now Vitals
	for over := time.Now().Add(30 * time.Second); now.Waiting < int64(r.Terminals); {
		if _, now, err = r.look(ctx); err != nil {
			return err
		}
		if time.Now().After(over) {
			return fmt.Errorf("%d of %d wait", now.Waiting, r.Terminals)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	begin, now, err := r.look(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, r.watch); err != nil {
		return err
	}
	end, _, err := r.look(ctx)
	r.Idle.Waiting, r.Idle.Goroutines = now.Waiting, now.Goroutines-vitals.Goroutines
	r.Idle.RSS, r.Idle.Anon = begin.RSS-before.RSS, begin.Anon-before.Anon
	r.Idle.CPU = (end.CPU - begin.CPU).Seconds() / r.watch.Seconds()
	return err
}

func (r *journey) look(ctx context.Context) (Use, Vitals, error) {
	u, err := UseOf(r.office.PID())
	if err != nil {
		return u, Vitals{}, err
	}
	v, err := r.office.Vitals(ctx)
	return u, v, err
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// order publishes a command for each: a terminal that still waits is woken by it,
// one whose time was over asks again, and all have it in the end.
func (r *journey) order(ctx context.Context) (err error) {
	over, err := r.office.Dial(ctx)
	if err != nil {
		return err
	}
	r.first, err = r.office.Checkpoint(over)
	over.Close()
	if err != nil {
		return err
	}
	if r.Order, err = r.office.Order(ctx, r.all); err != nil {
		return err
	}
	_, err = Crowd(ctx, preparing, r.all, func(t *Terminal) error {
		a, err := t.Line.Hear(http.MethodGet)
		if err != nil || a.Status == http.StatusNoContent {
			if a, err = t.Line.Ask(http.MethodGet, t.orders(), nil, nil); err != nil { // it was idle for two minutes
				if err := t.reconnect(ctx); err != nil {
					return err
				}
				a, err = t.Line.Ask(http.MethodGet, t.orders(), nil, nil)
			}
		}
		if err := a.Want(http.StatusOK, err); err != nil {
			return err
		}
		return t.Accept()
	})
	return err
}

// reconnect is what a terminal does whose connection is gone.
func (t *Terminal) reconnect(ctx context.Context) error {
	t.Line.Close()
	return t.Connect(ctx)
}

// deliverOver delivers, over a new connection where the desk has closed the one that
// was idle for too long.
func (t *Terminal) deliverOver(ctx context.Context) error {
	if t.Deliver() == nil {
		return nil
	}
	if err := t.reconnect(ctx); err != nil {
		return err
	}
	return t.Deliver()
}

// stretches is how many certificates go in each stretch, in tenths of the fleet.
var stretches = []struct{ workers, tenths int }{{16, 3}, {128, 3}}

func (r *journey) deliver(ctx context.Context) error {
	at := 0
	for _, s := range stretches {
		n := r.Terminals * s.tenths / 10
		p, err := Crowd(ctx, s.workers, r.all[at:at+n], func(t *Terminal) error { return t.deliverOver(ctx) })
		if err != nil {
			return err
		}
		r.Deliver = append(r.Deliver, Delivery{s.workers, p, Load()})
		at += n
	}
	return nil
}

// deliverCut kills the desk when half of the rest is receipted, starts it again,
// and has whoever got no answer send the same bytes once more.
func (r *journey) deliverCut(ctx context.Context) error {
	at := 0
	for _, s := range stretches {
		at += r.Terminals * s.tenths / 10
	}
	rest := r.all[at:]
	var done, broken atomic.Int64
	var cut sync.Once
	back := make(chan struct{})
	var failed error
	_, err := Crowd(ctx, min(128, max(1, len(rest)/4)), rest, func(t *Terminal) error {
		if done.Load() >= int64(len(rest)/2) {
			cut.Do(func() { go func() { failed = r.cut(ctx, &done); close(back) }() })
		}
		if t.Deliver() == nil {
			done.Add(1)
			return nil
		}
		broken.Add(1)
		<-back
		if failed != nil {
			return failed
		}
		if err := t.reconnect(ctx); err != nil {
			return err
		}
		return t.Deliver()
	})
	r.Killed.Unanswered = broken.Load()
	if err == nil && r.Killed.Back == 0 {
		err = errors.New("the desk was never killed")
	}
	return err
}

func (r *journey) cut(ctx context.Context, done *atomic.Int64) error {
	if err := r.office.Kill(); err != nil {
		return err
	}
	r.Killed.Receipted = done.Load()
	began := time.Now()
	err := r.office.Start(ctx)
	r.Killed.Back = time.Since(began)
	return err
}

// repeat tries what must not change: every hundredth terminal puts its certificate
// again, and other bytes under its name.
func (r *journey) repeat(ctx context.Context) error {
	var some []*Terminal
	for i := 0; i < len(r.all); i += max(1, len(r.all)/100) {
		some = append(some, r.all[i])
	}
	_, err := Crowd(ctx, 8, some, func(t *Terminal) error {
		if err := t.reconnect(ctx); err != nil {
			return err
		}
		return t.Repeat()
	})
	return err
}

func (r *journey) audit(ctx context.Context) (err error) {
	info, err := os.Stat(filepath.Join(r.office.Dir, "desk.db"))
	if err != nil {
		return err
	}
	r.Disk = info.Size()
	r.Audit, err = r.office.Audit(ctx, r.all, r.first)
	return err
}
