package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// upstream is what goes on beside trading and obeying: asking for commands,
// sending what is in the outbox, keeping the time.
type upstream struct {
	end  context.CancelFunc
	done sync.WaitGroup
}

func (u *upstream) stop() {
	u.end()
	u.done.Wait()
}

func (a *Agent) goUpstream(ctx context.Context) *upstream {
	ctx, end := context.WithCancel(ctx)
	u := &upstream{end: end}
	for _, work := range []func(context.Context){a.poll, a.empty, a.keepTime, a.doorbell, a.tend} {
		u.done.Go(func() { work(ctx) })
	}
	return u
}

// poll asks for commands: with the question left open while a case runs, now
// and then otherwise.
func (a *Agent) poll(ctx context.Context) {
	// A command that waits at the desk must not be refused because the clock was
	// asked a moment too late.
	select {
	case <-ctx.Done():
	case <-a.timed:
	}
	etag, failures, unlinked, untimed, unkept := a.identity().firstTag(), 0, 0, 0, 0
	var untaken complaint
	for ctx.Err() == nil {
		rung := a.bell.wait()
		link := a.links()
		if link == nil {
			if unlinked++; !a.mayLink(ctx, unlinked, rung) {
				return
			}
			continue
		}
		if unlinked > 0 { // whoever waits for a link has one
			unlinked = 0
			a.bell.ring()
		}
		select {
		case <-a.rung: // this question is its answer
		default:
		}
		called := a.bell.wait()
		text, next, err := link.Pull(ctx, etag, a.Link.Wait)
		a.linkIs(link.Name(), err)
		if err != nil {
			failures++
			a.doze(ctx, a.interval(failures, err), called)
			continue
		}
		failures = 0
		if text != nil && untimed < timeTries && a.needsTime(text) {
			if err := a.askTime(ctx); err != nil {
				untimed++
				a.doze(ctx, a.interval(untimed, err), called)
				continue
			}
		}
		if text != nil {
			taken := a.pulled(text)
			if err = a.kept(taken); err == nil {
				err = a.proved(text, next, taken)
			}
		}
		a.complain(&untaken, "what the desk sent cannot be taken, and is asked for again", "what the desk sends can be taken again", err)
		if err != nil { // with the old tag it is asked for again
			unkept++
			a.doze(ctx, a.interval(unkept, err), a.bell.wait())
			continue
		}
		etag, untimed, unkept = next, 0, 0
		if text != nil {
			continue
		}
		if m := a.mode(); m == local.Trading || m == local.Blocked {
			a.doze(ctx, jitter(a.Link.Poll), called)
		} else {
			nap(ctx, a.Link.RetryMin)
		}
	}
}

// kept looks at what became of what the desk sent. It fails where that must be sent again,
// because a disk that is full, or whatever failed here, has judged nothing.
func (a *Agent) kept(taken []local.Object) error {
	for _, o := range taken {
		if failedHere(o) {
			return fmt.Errorf("%s: %w", o.Kind, o.Error)
		}
	}
	return nil
}

// jitter is the interval, a quarter more or less, so that a fleet does not ask
// at one moment.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d*3/4 + rand.N(d/2+1)
}

func nap(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// linkIs shows whether the link works.
func (a *Agent) linkIs(name string, err error) {
	if name == "mqtt" {
		a.denied(err)
	}
	if a.show.setLink(name, err, a.Now().Unix()) {
		a.Log.Info().Str("link", name).AnErr("why", err).Msg("link")
		l := a.show.link()
		a.hub.tell(local.Event{Kind: "link", Name: name, State: l.State, Detail: l.Error})
	}
}

// errBeforeFloor is a desk whose clock runs behind a time that was signed before: one of
// the two was wrong, and nothing but the passing of time, or challenges, goes past it.
var errBeforeFloor = errors.New("cannot believe the time")

// floorErr is err where it is that, and nil otherwise.
func floorErr(err error) error {
	if errors.Is(err, errBeforeFloor) {
		return err
	}
	return nil
}

// day is a moment as a log has it.
func day(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// timeAnswer is the payload of a signed time.
type timeAnswer struct {
	Nonce envelope.ID `json:"nonce"`
	Time  int64       `json:"time"`
	V     int         `json:"v"`
}

// keepTime asks for a signed time, again and again: a machine that slept knows
// less than it thinks. It writes the floor down with it.
func (a *Agent) keepTime(ctx context.Context) {
	var first sync.Once
	var unwritten, behind complaint
	for failures := 0; ctx.Err() == nil; {
		pause := max(a.Config.Clock.FloorEvery, time.Second)
		err := a.askTime(ctx)
		a.complain(&behind, "the desk's time is not taken: commands that go by the clock may be refused, those for a challenge are not", "the desk's time can be taken again", floorErr(err))
		if err != nil {
			failures++
			pause = a.interval(failures, err)
		}
		first.Do(func() { close(a.timed) })
		a.keepFloor(&unwritten)
		nap(ctx, pause)
	}
}

// keepFloor writes down what time has passed, and clears away a challenge that is over.
func (a *Agent) keepFloor(c *complaint) {
	a.complain(c, "the time floor cannot be written down", "the time floor is written down again", errors.Join(a.tick(), a.ageChallenge()))
}

// tick writes the floor down; only a trusted time raises it.
func (a *Agent) tick() error {
	now, quality := a.clock.read()
	id := a.identity()
	if quality != clockTrusted || id == nil {
		return nil
	}
	// A time signed by an online key never raises the floor past the bundle's end.
	return a.journal.RaiseFloor(min(now, id.trust.Expires))
}

func (a *Agent) askTime(ctx context.Context) error {
	link, id := a.links(), a.identity()
	if link == nil || id == nil {
		return errors.New("cannot ask for the time: there is no link")
	}
	nonce, err := a.crockford()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"nonce": nonce, "v": 1})
	if err != nil {
		return err
	}
	reply, err := link.Time(ctx, body)
	if err != nil {
		return err
	}
	e, err := envelope.Parse(reply, envelope.MaxSize)
	if err != nil {
		return err
	}
	if _, err := id.trust.Verify(e, "time"); err != nil {
		return err
	}
	var t timeAnswer
	if err := envelope.Decode(e.Payload, &t); err != nil {
		return err
	}
	if string(t.Nonce) != nonce || t.V != 1 {
		return errors.New("cannot believe the time: it answers another question")
	}
	if floor := a.clock.low(); t.Time < floor {
		return fmt.Errorf("%w: the desk says %s, and %s was signed before", errBeforeFloor, day(t.Time), day(floor))
	}
	a.clock.set(t.Time, id.trust.Expires)
	return nil
}
