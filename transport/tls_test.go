package transport_test

import (
	"strings"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func TestOnlyThePinnedDeskIsBelieved(t *testing.T) {
	desk, stranger := transporttest.NewDesk(t, transporttest.Now()), transporttest.NewDesk(t, transporttest.Now())
	for _, c := range []struct {
		name   string
		change func(*transport.Config, *transport.Identity)
		want   string // part of the error; empty: it works
	}{
		{"pin of the CA", func(*transport.Config, *transport.Identity) {}, ""},
		{"pin of the desk beside a spare", func(_ *transport.Config, id *transport.Identity) {
			id.Pins = []string{transport.Pin(stranger.CA), transport.Pin(desk.Server)}
		}, ""},
		{"roots without pins", func(_ *transport.Config, id *transport.Identity) { id.Pins = nil }, ""},
		{"pin of another", func(_ *transport.Config, id *transport.Identity) {
			id.Pins = []string{transport.Pin(stranger.CA)}
		}, "is pinned"},
		{"root of another", func(_ *transport.Config, id *transport.Identity) { id.Roots = stranger.CA.Raw }, "unknown authority"},
		{"another name", func(c *transport.Config, _ *transport.Identity) {
			c.URL = strings.Replace(c.URL, "127.0.0.1", "other.test", 1)
			c.Addresses = []string{"127.0.0.1"}
		}, "not other.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			link := newLink(t, desk, c.change)
			_, err := link.Put(t.Context(), manifest, []byte(`{}`))
			if c.want == "" && err != nil {
				t.Fatal(err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheFlooredClockDecides(t *testing.T) {
	born := time.Now().Add(200 * 24 * time.Hour)
	desk := transporttest.NewDesk(t, transporttest.Life{From: born, To: born.Add(time.Hour)})
	late := newLink(t, desk, func(_ *transport.Config, id *transport.Identity) {
		id.Now = func() time.Time { return born.Add(time.Minute) }
	})
	if _, err := late.Put(t.Context(), manifest, []byte(`{}`)); err != nil {
		t.Errorf("with the clock moved: %v", err)
	}
	early := newLink(t, desk, nil)
	if _, err := early.Put(t.Context(), manifest, []byte(`{}`)); err == nil {
		t.Error("a certificate from the future was believed")
	}
}

func TestOnlyTheTimeIsAskedPastTheDates(t *testing.T) {
	born := time.Now().Add(-200 * 24 * time.Hour)
	desk := transporttest.NewDesk(t, transporttest.Life{From: born, To: born.Add(time.Hour)})
	question := []byte(`{"nonce":1}`)
	link := newLink(t, desk, nil)
	if _, err := link.Time(t.Context(), question); err != nil {
		t.Errorf("time: %v", err)
	}
	if _, err := link.Reveal(t.Context(), "case-1", []byte(`{}`)); err == nil {
		t.Error("reveal went through an expired certificate")
	}
	unpinned := newLink(t, desk, func(_ *transport.Config, id *transport.Identity) { id.Pins = nil })
	if _, err := unpinned.Time(t.Context(), question); err == nil {
		t.Error("without a pin the dates were passed over")
	}
	stranger := transporttest.NewDesk(t, transporttest.Now())
	wrong := newLink(t, desk, func(_ *transport.Config, id *transport.Identity) {
		id.Pins = []string{transport.Pin(stranger.CA)}
	})
	if _, err := wrong.Time(t.Context(), question); err == nil {
		t.Error("with a wrong pin the dates were passed over")
	}
}
