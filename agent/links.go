package agent

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"time"

	"unbindd/transport"
)

// links is the link to the desk over the network; nil before there is an identity and
// after it is gone, and where the courier is all there is.
func (a *Agent) links() transport.Link {
	link, err := a.linked()
	if err != nil {
		a.linkIs("", err)
	}
	return link
}

// linked makes the link where there is none.
func (a *Agent) linked() (transport.Link, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id == nil || a.keys == nil || a.apart() {
		return nil, nil
	}
	if a.link != nil {
		return a.link, nil
	}
	key, err := a.keys.TLSKey()
	if err != nil {
		return nil, nil // it is erased, and no link will be made any more
	}
	link, err := a.ways(a.id.route, a.shows(key))
	if err != nil {
		return nil, fmt.Errorf("the link cannot be made: %w", err)
	}
	a.link = link
	return link, nil
}

// mayLink waits a while for a link that could not be made, and says whether there may
// be one: not before there is an identity, not after it is gone, and not where the courier
// is all there is.
func (a *Agent) mayLink(ctx context.Context, failures int, rung <-chan struct{}) bool {
	a.mu.Lock()
	never := a.id == nil || a.keys == nil || a.apart()
	a.mu.Unlock()
	if never {
		return false
	}
	t := time.NewTimer(a.interval(failures, nil))
	defer t.Stop()
	select { // not the broker's bell: that is for the one question
	case <-ctx.Done():
	case <-rung:
	case <-t.C:
	}
	return true
}

// shows is what the terminal shows of itself and believes of its desk. The
// caller holds the lock.
func (a *Agent) shows(key crypto.Signer) transport.Identity {
	return transport.Identity{
		Terminal: string(a.id.binding.Terminal), Roots: []byte(a.id.route.CA), Pins: a.id.pins(),
		Certificate: []byte(a.id.route.Certificate), Key: key, Now: a.clock.wall,
	}
}

// wayOut makes a link: way, or what stands for the network in the model of the
// hand-shake.
type wayOut func(route, transport.Identity) (transport.Link, error)

// way is the link that the settings name.
func (a *Agent) way(r route, id transport.Identity) (transport.Link, error) {
	if a.MQTT.URL != "" && a.MQTT.Use == transport.Pipe {
		link, err := transport.NewMQTT(a.linkConfig(r), a.MQTT, id)
		if err != nil {
			return nil, err
		}
		link.OnBell(a.ring)
		return link, nil
	}
	return transport.NewHTTPS(a.linkConfig(r), id)
}

// doorbell listens for the broker's bell where HTTPS carries. It only saves
// waiting: whoever rings, and however often, the desk is asked and nothing else. It
// ends with the link, and begins anew with what the next one believes.
func (a *Agent) doorbell(ctx context.Context) {
	if a.MQTT.URL == "" || a.MQTT.Use != transport.Bell || a.apart() {
		return
	}
	for ctx.Err() == nil {
		a.mu.Lock()
		relinked := a.relinked
		if a.id == nil || a.keys == nil {
			a.mu.Unlock()
			return
		}
		key, err := a.keys.TLSKey()
		config, id := a.linkConfig(a.id.route), a.shows(key)
		a.mu.Unlock()
		if err == nil {
			err = a.hearken(ctx, relinked, config, id)
		}
		if err != nil {
			a.Log.Error().Err(err).Msg("the broker's bell cannot be listened for")
		}
		select {
		case <-ctx.Done():
		case <-relinked:
		}
	}
}

// hearken listens until ctx ends or the link does.
func (a *Agent) hearken(ctx context.Context, relinked <-chan struct{}, config transport.Config, id transport.Identity) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		select {
		case <-relinked:
			end()
		case <-ctx.Done():
		}
	}()
	err := transport.Doorbell(ctx, config, a.MQTT, id, a.backoff(), a.ring, func(err error) {
		a.denied(err)
		if err == nil {
			return
		}
		a.Log.Info().Err(err).Msg("the broker's bell is not heard")
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (a *Agent) ring() {
	select {
	case a.rung <- struct{}{}:
	default: // it rings already
	}
}

func (a *Agent) linkConfig(way route) transport.Config {
	config := a.Link
	if config.URL == "" {
		config.URL = way.URL
	}
	return config
}

func (a *Agent) closeLink() {
	a.mu.Lock()
	link := a.link
	a.link = nil
	close(a.relinked)
	a.relinked = make(chan struct{})
	a.mu.Unlock()
	if link == nil {
		return
	}
	if err := link.Close(); err != nil {
		a.Log.Warn().Err(err).Msg("the link cannot be closed")
	}
}

// doze is a nap that the broker's bell ends, or whoever is called here: an order
// that was handed in, a technician. Bells that ring without end are no reason to ask
// without end.
func (a *Agent) doze(ctx context.Context, d time.Duration, called <-chan struct{}) {
	nap(ctx, min(d, a.Link.RetryMin))
	t := time.NewTimer(max(0, d-a.Link.RetryMin))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-a.rung:
	case <-called:
	case <-t.C:
	}
}

// interval is how long to wait after so many failures in a row. What the desk asked
// for is kept, with jitter on top, and never shortens the pause; what somebody on the
// way asked for counts up to the longest pause of our own. Who is refused again and
// again waits longer than who is not answered.
func (a *Agent) interval(failures int, why error) time.Duration {
	most := a.mostBetween(why)
	pause := transport.Backoff{Min: a.Link.RetryMin, Max: most}.Delay(min(failures, 20))
	if asked := a.askedToWait(why); asked > 0 {
		pause = max(pause, asked+a.backoff().Delay(1))
	}
	return pause
}

// askedToWait is the longest wait that one of the errors asks for.
func (a *Agent) askedToWait(why error) (asked time.Duration) {
	if many, ok := why.(interface{ Unwrap() []error }); ok {
		for _, err := range many.Unwrap() {
			asked = max(asked, a.askedToWait(err))
		}
		return asked
	}
	var status *transport.Status
	if errors.As(why, &status) {
		return status.Wait(cmp.Or(a.Link.RetryMax, 15*time.Minute))
	}
	return 0
}
