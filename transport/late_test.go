package transport_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"unbindd/transport/broker"
	"unbindd/transport/transporttest"
)

// A desk that lost its broker waits for the handlers that are at work, and what
// they give back late hinders nobody at the next connection.
func TestALateHandlerHindersNobody(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var ended atomic.Bool
	entered, release, asked := make(chan struct{}, 8), make(chan struct{}), make(chan struct{}, 8)
	d := &broker.Desk{
		Route: broker.Route{URL: b.URL}, Speaker: broker.Speaker{Key: key}, Now: time.Now, Message: 32 << 10,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				entered <- struct{}{}
				<-release
				ended.Store(true)
			}
			asked <- struct{}{}
		}),
	}
	question := func(method string, n int) {
		b.Publish(t, "t/pos-1/up", fmt.Appendf(nil, `{"id":"%032x","method":%q,"part":1,"parts":1,"path":"/v1/time/x","v":1}`+"\n", n, method))
	}
	sit := func(ctx context.Context) <-chan bool {
		ready, over := make(chan struct{}), make(chan bool, 1)
		go func() {
			_ = d.Serve(ctx, func() { close(ready) }) // it ends with its context
			over <- ended.Load()
		}()
		select {
		case <-ready:
		case <-time.After(time.Minute):
			t.Fatal("the desk does not sit down")
		}
		return over
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := sit(ctx)
	question(http.MethodPut, 1)
	<-entered
	cancel()
	select {
	case <-over:
		t.Error("the desk left while a question was being answered")
	case <-time.After(300 * time.Millisecond):
	}
	close(release)
	if !<-over {
		t.Error("the desk left before its handler")
	}
	<-asked
	ctx, cancel = context.WithCancel(t.Context())
	over = sit(ctx)
	question(http.MethodGet, 2)
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Error("the next question is not answered")
	}
	cancel()
	<-over
}
