package agent

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// shapes are the searches: together they have everything that can happen, and the
// last ones let it happen together.
var shapes = []shape{
	{name: "in short", brief: true, quiet: true, lean: true, noCourier: true},
	{name: "plain", noCourier: true},
	{name: "a receipt carried in"},
	{name: "clocks that run out", clock: true, noCourier: true},
	{name: "a close", close: true, noCourier: true},
	{name: "no receipt, by an amendment", sealed: true, noCourier: true},
	{name: "a ledger that grows", grow: true, noCourier: true},
	{name: "copies that come late", copies: 1, noCourier: true},
	{name: "a cancel", brief: true, quiet: true, cancel: true, noCourier: true},
	{name: "a cancel, pulled twice", brief: true, quiet: true, lean: true, cancel: true, again: true, noCourier: true},
	{name: "a partial certificate", brief: true, quiet: true, partial: true, back: true, noCourier: true},
	{name: "a partial certificate, closed", brief: true, quiet: true, lean: true, partial: true, close: true, back: true, noCourier: true},
	{name: "a cancel and late copies", brief: true, quiet: true, lean: true, cancel: true, copies: 1, noCourier: true},
	{name: "a cancel and a partial certificate", brief: true, quiet: true, lean: true, cancel: true, partial: true, noCourier: true},
	{name: "a partial certificate and late copies", brief: true, quiet: true, lean: true, partial: true, back: true, copies: 1, noCourier: true},
	{name: "a cancel and a close", brief: true, quiet: true, lean: true, cancel: true, close: true, noCourier: true},
	{name: "a cancel and an amendment", brief: true, quiet: true, lean: true, cancel: true, sealed: true, noCourier: true},
	{name: "a close and late copies", brief: true, quiet: true, lean: true, close: true, copies: 1, noCourier: true},
	everything(2),
	everything(3),
}

// everything is all that can happen, in one search, as long as no more than so many
// choices on the way are not the first one.
func everything(far int) shape {
	return shape{
		name: fmt.Sprintf("everything, %d departures", far), brief: true, quiet: true, lean: true, copies: 1, far: far,
		cancel: true, sealed: true, partial: true, close: true, back: true, grow: true, clock: true, again: true,
	}
}

// quickShapes are those of a run of all tests; the others are for make handshake.
const quickShapes = 1

// fair says whether a choice is what a network that works and a machine that stays
// on bring, sooner or later.
func (h *shaking) fair(p *point, what string) bool {
	kind, _, others := strings.Cut(what, ":")
	if others {
		return slices.Contains([]string{"copy", "gone", "hand", "poll", "back"}, kind) || h.o.partial && (kind == "publish" || kind == "close")
	}
	return slices.Contains([]string{"go", "flush", "done", "written", "on", "whole", "buried"}, what)
}

func TestModelOfTheHandshake(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	h := newShaking(t)
	all := shapes[:quickShapes]
	if os.Getenv("HANDSHAKE") != "" {
		all = shapes
	}
	for _, o := range all {
		t.Run(o.name, func(t *testing.T) {
			h.o = o
			began := time.Now()
			g := h.explore(0, false)
			stuck := g.stuck()
			fmt.Printf("model: hand-shake, %s: %d states, %d transitions, %d ends, %d violations, %d stuck states (%v)\n",
				o.name, len(g.points), g.edges, g.ends(), min(len(g.problem), 1), len(stuck), time.Since(began).Round(time.Second))
			switch {
			case g.problem != "":
				t.Error(g.problem)
			case len(stuck) > 0:
				t.Errorf("no end can be reached any more after\n%s%s", g.path(stuck[0]), g.around(stuck))
			case g.ends() == 0:
				t.Error("no end was reached")
			}
		})
	}
}
