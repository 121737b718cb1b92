package transport_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

// Whoever reaches the broker can publish parts under the name of a question that
// is under way, even with the first line of the real ones. They take no place: a
// long answer, and a long question, come whole at the first try.
func TestAForgedPartSpoilsNothing(t *testing.T) {
	long := []byte(`{"long":"` + strings.Repeat("0123456789", 20_000) + `"}`)
	for name, forge := range map[string]func(m *message){
		"with the desk's own head": func(*message) {},
		"unsigned":                 func(m *message) { m.Cert, m.Sig, m.Own = nil, nil, nil },
		"of another cut":           func(m *message) { m.Parts++ },
		"of another whole":         func(m *message) { m.Sig = bytes.Repeat([]byte{1}, 70) },
	} {
		t.Run(name, func(t *testing.T) {
			b := transporttest.NewBroker(t, transporttest.Now())
			link := b.Link(t, func(m *transport.MQTTConfig, _ *transport.Identity) { m.Resend = time.Hour })
			var forged atomic.Int64
			b.Lose(func(topic string, p []byte) bool {
				own, body := open(t, p)
				if own.Parts < 2 || own.Part != 1 {
					return false
				}
				for part := 1; part <= own.Parts; part++ {
					m := own
					m.Part = part
					forge(&m)
					b.Publish(t, topic, m.with(t, bytes.Repeat([]byte("?"), len(body))))
					forged.Add(1)
				}
				return false
			})
			b.Desk.Offer(t, long)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, _, err := link.Pull(ctx, "", 0)
			if err != nil || !bytes.Equal(got, long) {
				t.Fatalf("a long answer: %d bytes, %v", len(got), err)
			}
			if _, err := link.Put(ctx, manifest, long); err != nil {
				t.Fatalf("a long question: %v", err)
			}
			if !bytes.Equal(b.Desk.Held(t, manifest), long) {
				t.Error("the desk has something else")
			}
			if forged.Load() < 4 {
				t.Errorf("only %d parts were forged", forged.Load())
			}
		})
	}
}
