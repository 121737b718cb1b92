package transport

import (
	"context"
	"crypto/tls"
	"sync"
	"sync/atomic"
	"time"

	"unbindd/transport/broker"
)

// Doorbell calls rung whenever the broker's bell rings, and once whenever it
// could be missed, until ctx ends. It never gives up; note hears of every loss, and with nil at once when the
// bell can be heard. A
// broker that comes and goes makes neither a storm of connections nor one of pulls:
// the pause grows until a connection held or a bell rang, and a pull that only
// follows a reconnect waits as long as one more reconnect would.
func Doorbell(ctx context.Context, c Config, m MQTTConfig, id Identity, b Backoff, rung func(), note func(error)) error {
	var shown []tls.Certificate
	if id.Key != nil {
		cert, err := clientCertificate(id)
		if err != nil {
			return err
		}
		shown = append(shown, cert)
	}
	route, err := m.route(c, id, m.URL, shown...)
	if err != nil {
		return err
	}
	var heard atomic.Bool
	var late sync.WaitGroup
	defer late.Wait()
	for failures := 1; ; failures++ {
		since := time.Now()
		err := broker.Listen(ctx, route, id.Terminal, func() {
			note(nil)
			if failures == 1 {
				rung()
				return
			}
			pause := b.Delay(min(failures, 20))
			late.Go(func() {
				if b.nap(ctx, pause) == nil {
					rung()
				}
			})
		}, func() { heard.Store(true); rung() })
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if heard.Swap(false) || time.Since(since) >= broker.Steady {
			failures = 1
		}
		note(err)
		if err := b.nap(ctx, b.Delay(min(failures, 20))); err != nil {
			return err
		}
	}
}
