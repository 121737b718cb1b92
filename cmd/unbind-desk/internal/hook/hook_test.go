package hook

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// one is a queue with one message.
type one struct{ given, failed bool }

func (q *one) DueHook(partner string, _ int64) (store.Hook, bool, error) {
	had := q.given
	q.given = true
	return store.Hook{Partner: partner, N: 1, Attempts: 1, Body: []byte("{}")}, !had, nil
}

func (q *one) HookDone(store.Hook) error { return nil }

func (q *one) HookFailed(store.Hook, int64) error { q.failed = true; return nil }

// What a partner's address holds beside the host is his: the log says that he was
// not told, and why, and not how he is reached.
func TestTheLogHasNoAddressOfAPartner(t *testing.T) {
	for name, url := range map[string]string{
		"nobody listens": "http://127.0.0.1:1/hook/s3cret?token=s3cret",
		"not an address": "http://127.0.0.1:1/%zz?token=s3cret",
	} {
		var log bytes.Buffer
		q := &one{}
		s := &Sender{
			Queue: q, Partners: []Partner{{Name: "acquirer", URL: url, Secret: authority.NewSecret(make([]byte, 32))}},
			Client: NewClient(), Now: time.Now, Log: zerolog.New(&log),
		}
		if err := s.Round(context.Background()); err != nil || !q.failed {
			t.Fatalf("%s: %v, failed: %v", name, err, q.failed)
		}
		if said := log.String(); !strings.Contains(said, "partner not told") || strings.Contains(said, "s3cret") {
			t.Errorf("%s: the log says %s", name, said)
		}
	}
}
