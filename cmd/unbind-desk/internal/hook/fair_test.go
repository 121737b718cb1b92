package hook

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// endless has a message for everybody, always.
type endless struct{ done atomic.Int64 }

func (q *endless) DueHook(partner string, _ int64) (store.Hook, bool, error) {
	return store.Hook{Partner: partner, N: 1, Attempts: 1, Body: []byte("{}")}, true, nil
}

func (q *endless) HookDone(store.Hook) error { q.done.Add(1); return nil }

func (q *endless) HookFailed(store.Hook, int64) error { return nil }

// A partner that does not answer keeps no other from being told, whoever is first.
func TestASlowPartnerKeepsNobodyElse(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer slow.Close()
	defer close(release)
	told := make(chan struct{}, 1)
	quick := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case told <- struct{}{}:
		default:
		}
	}))
	defer quick.Close()
	secret := authority.NewSecret(make([]byte, 32))
	s := &Sender{
		Queue: &endless{}, Partners: []Partner{{Name: "slow", URL: slow.URL, Secret: secret}, {Name: "quick", URL: quick.URL, Secret: secret}},
		Client: &http.Client{}, Now: time.Now, Log: zerolog.Nop(),
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, time.Millisecond) }()
	for range 20 { // again and again, while the other one is still being told his first
		select {
		case <-told:
		case <-ctx.Done():
			t.Fatal("nobody else is told")
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
