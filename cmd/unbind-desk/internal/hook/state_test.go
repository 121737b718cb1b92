package hook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// always is a queue that has a message for everybody, and of which one partner's part
// cannot be read while it is broken.
type always struct {
	broken error
	done   int
}

func (q *always) DueHook(partner string, _ int64) (store.Hook, bool, error) {
	if partner == "broken" {
		return store.Hook{}, false, q.broken
	}
	return store.Hook{Partner: partner, N: 1, Attempts: 1, Body: []byte("{}")}, true, nil
}

func (q *always) HookDone(store.Hook) error { q.done++; return nil }

func (q *always) HookFailed(store.Hook, int64) error { return nil }

// A round is every second, and what is wrong stays so for hours: it is told when it
// begins, when it is another thing, and when it is over. Nobody else waits for it.
func TestWhatGoesWrongIsToldOnce(t *testing.T) {
	answer := http.StatusInternalServerError
	partner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(answer) }))
	defer partner.Close()
	var log bytes.Buffer
	q := &always{}
	secret := authority.NewSecret(make([]byte, 32))
	s := &Sender{
		Queue: q, Partners: []Partner{{Name: "broken", URL: partner.URL, Secret: secret}, {Name: "partner", URL: partner.URL, Secret: secret}},
		Client: partner.Client(), Now: time.Now, Log: zerolog.New(&log),
	}
	rounds := func(what string, lines ...string) {
		t.Helper()
		log.Reset()
		for range 5 {
			if err := s.Round(t.Context()); !errors.Is(err, q.broken) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		said := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(said) != max(1, len(lines)) {
			t.Fatalf("%s: five rounds say %d things, want %d:\n%s", what, len(said), len(lines), &log)
		}
		for i, line := range lines {
			if !strings.Contains(said[i], line) {
				t.Errorf("%s: %s, want %s", what, said[i], line)
			}
		}
	}
	rounds("the partner answers 500", "it answers 500")
	answer = http.StatusNotFound
	rounds("404", "it answers 404")
	q.broken = fmt.Errorf("cannot read %d: %w", 1, store.ErrGarbled)
	rounds("and a row is spoilt", "the record does not decode")
	q.broken = fmt.Errorf("cannot read %d: %w", 2, store.ErrGarbled)
	rounds("the same again")
	q.broken = nil
	rounds("mended", "partner told again")
	answer = http.StatusOK
	ctx, end := context.WithCancel(t.Context())
	s.Queue = &ending{q, end}
	if err := s.Round(ctx); !errors.Is(err, context.Canceled) || q.done == 0 {
		t.Fatalf("%d are done, %v", q.done, err)
	}
	if said := log.String(); strings.Count(said, "partner told again") != 2 {
		t.Errorf("the log says %s", said)
	}
}

// failing is a way to a partner that fails each time in other words.
type failing func() error

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f() }

// The time that a refused certificate was looked at, and the port that a resolver did not
// answer to, are no news; another reason is.
func TestTheSameInOtherWordsIsToldOnce(t *testing.T) {
	n := 0
	certificate := func(why x509.InvalidReason) error {
		return &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: why, Detail: fmt.Sprint("current time ", n)}}
	}
	resolver := func(late bool) error {
		return &net.OpError{Op: "dial", Err: &net.DNSError{Err: fmt.Sprint("read udp 127.0.0.1:", n), Name: "partner", IsTimeout: late, IsNotFound: !late}}
	}
	var log bytes.Buffer
	var now error
	client := &http.Client{Transport: failing(func() error { n++; return now })}
	s := &Sender{Queue: &always{}, Partners: []Partner{{Name: "partner", URL: "https://partner", Secret: authority.NewSecret(make([]byte, 32))}}, Client: client, Now: time.Now, Log: zerolog.New(&log)}
	for i, fails := range []func() error{
		func() error { return certificate(x509.Expired) }, func() error { return certificate(x509.NotAuthorizedToSign) },
		func() error { return resolver(true) }, func() error { return resolver(false) },
	} {
		for range 3 {
			now = fails()
			if err := s.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if told := strings.Count(log.String(), "partner not told"); told != i+1 {
			t.Fatalf("of %d reasons %d are told:\n%s", i+1, told, &log)
		}
	}
}

// ending is a queue of a desk that ends when a message is delivered.
type ending struct {
	*always
	end func()
}

func (q *ending) HookDone(h store.Hook) error { q.end(); return q.always.HookDone(h) }
