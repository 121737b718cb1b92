package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"unbindd/agent/local"
	"unbindd/transport"
)

// andCarry stands behind what a step waits for, where its object lies on the courier's
// medium and nothing but the desk's word is missing; unbindctl has the words in Chinese.
const andCarry = "; carry the courier's folder to the desk"

// carried is the link over the courier's medium, as the agent uses it.
type carried struct {
	*transport.Courier
	writing sync.Mutex // one object at a time: two who write the same would spoil each other's
}

// Put writes the object to the medium and brings the reply if it lies there.
func (c *carried) Put(ctx context.Context, object transport.Object, body []byte) ([]byte, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	reply, err := c.Courier.Put(ctx, object, body)
	return reply, neverFinal(err)
}

// Upload writes the sealed file to the medium and brings the reply if it lies there.
func (c *carried) Upload(ctx context.Context, object transport.Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	reply, err := c.Courier.Upload(ctx, object, size, digest, open)
	return reply, neverFinal(err)
}

// Reveal writes the preimage to the medium, as Put does.
func (c *carried) Reveal(ctx context.Context, caseID string, body []byte) ([]byte, error) {
	return c.Put(ctx, transport.Object{Case: caseID, Kind: "tombstone", N: 1}, body)
}

// neverFinal takes its finality from what stands in the way on a medium: strangers write
// on it, and nothing there may end a delivery but the desk's signature.
func neverFinal(err error) error {
	if err == nil || errors.Is(err, transport.ErrNotYet) || errors.Is(err, transport.ErrNoMedium) {
		return err
	}
	return errors.New(err.Error())
}

// courier is the link over the courier's medium; nil where none is set up, and on a
// terminal that is nobody's.
func (a *Agent) courier() *carried {
	if a.Courier.Path == "" {
		return nil
	}
	a.mu.Lock()
	have, id := a.carrying, a.id
	a.mu.Unlock()
	if have != nil {
		return have
	}
	name := ""
	if id != nil {
		name = string(id.binding.Terminal)
	} else if c, _, err := a.readCase(); err == nil { // the identity is gone; the last word is not said
		name = string(c.command.Terminal)
	}
	link, err := transport.NewCourier(a.Courier, name)
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.carrying == nil {
		a.carrying = &carried{Courier: link}
	}
	return a.carrying
}

// apart says whether the terminal has no network by its settings.
func (a *Agent) apart() bool { return a.Courier.Path != "" && a.Courier.Use == transport.Only }

// byEvery does something over every way there is until one has done it: the courier's
// medium first, which answers at once, then the network. A medium that is not there is
// no failure where there is a network.
func (a *Agent) byEvery(do func(transport.Link) error) error {
	aside := error(transport.ErrNoMedium)
	if m := a.walk(); m != nil {
		if aside = do(m); aside == nil {
			a.laid.Store(false)
			return nil
		}
		a.laid.Store(errors.Is(aside, transport.ErrNotYet))
	}
	link := a.links()
	if link == nil && a.apart() {
		return aside
	}
	err := errors.New("cannot deliver it: there is no link")
	if link != nil {
		err = do(link)
	}
	if err == nil || errors.Is(aside, transport.ErrNotYet) || errors.Is(aside, transport.ErrNoMedium) {
		return err
	}
	return errors.Join(err, aside)
}

// waitsOn is waiting for the desk's word on something. Where it lies on the medium a
// person has to walk, and is told so; that the word is not there yet is no problem.
func (a *Agent) waitsOn(step, what string, err error) {
	if a.laid.Load() {
		what += andCarry
		if err == transport.ErrNotYet { // joined with something else it is more than that
			err = nil
		}
	}
	a.waiting(step, what, err)
}

// tend looks after the courier's medium, which comes and goes: what the desk put there
// is taken, what is in the outbox is put there, and whoever waits for the desk looks
// again when something changed on it. It only reads folders while nothing does.
func (a *Agent) tend(ctx context.Context) {
	select { // as poll does
	case <-ctx.Done():
	case <-a.timed:
	}
	var t tending
	for ctx.Err() == nil {
		m := a.courier()
		if m == nil {
			return
		}
		rung := a.bell.wait()
		a.tendOnce(ctx, m, &t)
		select {
		case <-ctx.Done():
		case <-rung:
			t.due, t.again = true, time.Time{}
		case <-time.After(min(lookEvery, max(a.Link.Poll, a.Link.RetryMin))):
		}
	}
}

// lookEvery is how often a medium is looked at while nothing happens.
const lookEvery = time.Second

// tending is what tend remembers of the medium.
type tending struct {
	etag               string    // of the commands that were taken
	taken, told        string    // marks of what lay there when it was all taken, and when it was told
	due                bool      // something may have to be put there
	again              time.Time // before which what failed is not tried again, if nothing changes
	tries              tally
	untaken, disbelief complaint
}

func (a *Agent) tendOnce(ctx context.Context, m *carried, t *tending) {
	mark, err := m.Mark()
	if a.apart() && a.identity() != nil {
		a.linkIs(m.Name(), err)
	}
	if err != nil {
		t.taken, t.told = "", "" // when it comes again, all of it is looked at
		if errors.Is(err, transport.ErrNoMedium) {
			err = nil
		}
		a.complain(&t.untaken, "the courier's medium cannot be read", "the courier's medium can be read again", err)
		return
	}
	if mark != t.taken {
		err = a.takeCarried(ctx, m, t)
		a.complain(&t.untaken, "what lies on the courier's medium cannot be taken, and is looked at again", "the courier's medium can be read again", err)
		if err == nil {
			t.taken = mark
		}
	}
	if mark != t.told {
		t.told, t.due, t.again = mark, true, time.Time{}
		a.bell.ring()
	}
	if !t.due || a.identity() == nil || time.Now().Before(t.again) {
		return
	}
	err = firstOf(a.flush(ctx, m, ""), func(err error) bool {
		return !errors.Is(err, transport.ErrNotYet) && !errors.Is(err, transport.ErrNoMedium)
	})
	if t.due = err != nil; t.due {
		t.again = time.Now().Add(a.interval(t.tries.after(err), err))
	} else {
		t.tries = tally{}
	}
	a.complain(&t.disbelief, "an answer waits: it cannot be laid on the courier's medium, or what lies there for it is not believed", "no answer waits for a receipt on the courier's medium that can be believed", err)
}

// takeCarried takes every command on the medium that was not taken yet.
func (a *Agent) takeCarried(ctx context.Context, m *carried, t *tending) error {
	for ctx.Err() == nil {
		text, next, err := m.Pull(ctx, t.etag, 0)
		if err != nil {
			return err
		}
		if text != nil {
			err = a.kept(a.takeFile(ctx, text))
		}
		if err != nil { // with the old tag it is taken again
			return err
		}
		if t.etag = next; text == nil {
			return nil
		}
	}
	return nil
}

// takeFile takes a file that was carried in. It is taken as one that a person hands in,
// for that is what it is. Once the identity is gone nothing but a close is of use, and
// that may be one order among others.
func (a *Agent) takeFile(ctx context.Context, text []byte) []local.Object {
	if a.identity() != nil {
		if a.needsTime(text) && !a.apart() {
			if err := a.askTime(ctx); err != nil {
				a.Log.Info().Err(err).Msg("a carried command comes before the time is known")
			}
		}
		return a.take(text)
	}
	var b bundle
	if json.Unmarshal(text, &b) != nil || len(b.Orders) == 0 {
		return a.take(text)
	}
	var out []local.Object
	for _, order := range b.Orders {
		out = append(out, a.take(order)...)
	}
	return out
}
