package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/trust"
	"unbindd/transport"
)

func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// usurped is a desk in whose place somebody else answers first, with something of his
// own under the tag of what the desk has.
type usurped struct {
	transport.Link
	first, brings []byte
	tag           string
	end           func()
	times         int
	had           string // what it was asked with last
}

func (l *usurped) Name() string { return "usurped" }

func (l *usurped) Pull(ctx context.Context, etag string, _ time.Duration) ([]byte, string, error) {
	l.had = etag
	switch l.times++; {
	case l.times == 1:
		return l.first, l.tag, nil
	case etag == l.tag: // 304
		l.end()
		return nil, etag, nil
	case l.times > 6: // it would go on for ever
		l.end()
		return nil, etag, nil
	}
	return l.brings, l.tag, nil
}

// What somebody else puts under the tag of the desk's next answer does not keep that
// answer away: a tag is remembered for what was believed, and for these bytes.
func TestAForgedAnswerKeepsNoOrderAway(t *testing.T) {
	for name, forge := range map[string]func(b *bound, order *envelope.Envelope) []byte{
		"an order of strangers": func(b *bound, _ *envelope.Envelope) []byte {
			return file(t, nil, []*envelope.Envelope{b.seal(command.Kind, forged(b), "stranger-1", "stranger-2")}, nil)
		},
		"a trust of one root": func(b *bound, _ *envelope.Envelope) []byte {
			return file(t, []*envelope.Envelope{b.seal("trust", b.bundle(2, b.order.Profile.Digest), "root-1")}, nil, nil)
		},
		"an amendment to nothing": func(b *bound, _ *envelope.Envelope) []byte {
			return file(t, nil, []*envelope.Envelope{b.seal("amend", command.Amend{Allow: []envelope.ID{"unsettled"}, Case: b.order.Case, Command: envelope.DigestOf([]byte("none")), Terminal: b.order.Terminal, N: 1, V: 1}, "stranger-1")}, nil)
		},
		"a kind of nobody's": func(b *bound, _ *envelope.Envelope) []byte {
			return file(t, nil, []*envelope.Envelope{b.seal("tale", b.order, "ops-1")}, nil)
		},
		"no bundle":     func(*bound, *envelope.Envelope) []byte { return []byte("<html>") },
		"nothing":       func(*bound, *envelope.Envelope) []byte { return file(t, nil, nil, nil) },
		"what is known": func(b *bound, _ *envelope.Envelope) []byte { return file(t, b.a.identity().bundles, nil, nil) },
	} {
		kind := "own" // an order under a tag in a form of the desk's own
		if under := map[string]string{"nothing": "order", "what is known": "trust"}[name]; under != "" {
			kind = under // which nothing but its tag tells from the desk's
		}
		t.Run(name+" before the "+kind, func(t *testing.T) {
			b := newBound(t)
			b.a.Link.RetryMin, b.a.Link.RetryMax = time.Millisecond, time.Millisecond
			order := b.challenged(1)
			ctx, end := context.WithTimeout(t.Context(), time.Minute)
			defer end()
			link := &usurped{first: forge(b, order), brings: file(t, nil, []*envelope.Envelope{order}, nil), end: end}
			link.tag = tagOf(link.brings)
			switch kind {
			case "own":
				link.tag = `"v7"`
			case "trust":
				step := b.seal("trust", b.bundle(2, b.order.Profile.Digest), "root-1", "root-2", "root-3")
				next, _, err := b.a.identity().trust.CatchUp([]*envelope.Envelope{step})
				b.no(err)
				link.brings, link.tag = file(t, []*envelope.Envelope{step}, nil, nil), trust.Tag(next)
			}
			b.a.ways = func(route, transport.Identity) (transport.Link, error) { return link, nil } // another trust makes another
			link.Link = closing{}
			close(b.a.timed)
			b.a.poll(ctx)
			_, begun, err := b.a.current()
			b.no(err)
			if got := b.a.identity().trust.Version == 2; kind != "trust" && !begun || kind == "trust" && !got {
				t.Errorf("after %d questions the %s is not here; asked with %s", link.times, kind, link.had)
			}
			if link.had != link.tag {
				t.Errorf("asked with %s in the end, want the tag of what was taken, %s", link.had, link.tag)
			}
		})
	}
}

// What is on offer and not believed is asked for no more often than by who has nothing to
// say; where a case runs, an amendment may lie beside it.
func TestWhatIsNotBelievedCostsNoMoreThanTrading(t *testing.T) {
	b := newBound(t)
	b.a.Link.Poll, b.a.Link.RetryMax = 6*time.Hour, 15*time.Minute
	text := file(t, nil, []*envelope.Envelope{b.seal(command.Kind, forged(b), "stranger-1", "stranger-2")}, nil)
	strangers, tag := b.a.proved(text, "", b.a.pulled(text)), b.a.proved(text, tagOf([]byte("others")), nil)
	for _, c := range []struct {
		mode string
		why  error
		most time.Duration
	}{
		{local.Trading, strangers, 6 * time.Hour}, {local.Trading, tag, 6 * time.Hour}, {local.Blocked, strangers, 6 * time.Hour},
		{local.Obeying, strangers, 15 * time.Minute}, {local.Trading, b.a.kept([]local.Object{{Error: &local.Error{Code: "E18:disk"}}}), 15 * time.Minute},
	} {
		b.a.show.setMode(c.mode)
		if got := b.a.mostBetween(c.why); c.why == nil || got != c.most {
			t.Errorf("%s, %v: at most %v, want %v", c.mode, c.why, got, c.most)
		}
	}
}

// forged is an order that asks no clock.
func forged(b *bound) command.Command {
	o := b.order
	o.Challenge = "0VAAFPC2NDTZN2FFKRJ3FQKG24"
	return o
}

// closing is a link that can be closed and no more.
type closing struct{ transport.Link }

func (closing) Close() error { return nil }

// An order that counts and is refused need not come again: its answer is on its way. A
// tag in a form of the desk's own is remembered for what was believed.
func TestWhatWasJudgedNeedNotComeAgain(t *testing.T) {
	b := newBound(t)
	o := b.order
	o.Binding = envelope.DigestOf([]byte("another's"))
	refused := b.seal(command.Kind, o, "ops-1", "sec-1")
	text := file(t, nil, []*envelope.Envelope{refused}, nil)
	taken := b.a.pulled(text)
	if len(taken) != 1 || taken[0].Outcome != "refused" {
		t.Fatalf("%+v", taken)
	}
	for tag, fits := range map[string]bool{
		tagOf(text): true, `"v7"`: true, "": true, tagOf([]byte("others")): false,
		`"trust-2-0123456789abcdef"`: false, trust.Tag(b.a.identity().trust): true,
	} {
		if err := b.a.proved(text, tag, taken); (err == nil) != fits {
			t.Errorf("%s: %v (%+v)", tag, err, taken[0].Error)
		}
	}
}
