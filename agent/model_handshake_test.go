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
// last ones let it happen together. Those that are long were never run to their end, or
// take more than the others together.
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
	{name: "a cancel, not quiet", brief: true, cancel: true, noCourier: true},
	{name: "a cancel, pulled twice", brief: true, quiet: true, lean: true, cancel: true, again: true, noCourier: true},
	{name: "a partial certificate", brief: true, quiet: true, partial: true, back: true, noCourier: true},
	{name: "a partial certificate, closed", long: true, brief: true, quiet: true, lean: true, partial: true, close: true, back: true, noCourier: true},
	{name: "a cancel and late copies", long: true, brief: true, quiet: true, lean: true, cancel: true, copies: 1, noCourier: true},
	{name: "a cancel and a partial certificate", long: true, brief: true, quiet: true, lean: true, cancel: true, partial: true, anew: true, noCourier: true},
	{name: "a partial certificate and late copies", long: true, brief: true, quiet: true, lean: true, partial: true, back: true, copies: 1, noCourier: true},
	{name: "a cancel and a close", brief: true, quiet: true, lean: true, cancel: true, close: true, noCourier: true},
	{name: "a cancel and an amendment", long: true, brief: true, quiet: true, lean: true, cancel: true, sealed: true, noCourier: true},
	{name: "a close and late copies", brief: true, quiet: true, lean: true, close: true, copies: 1, noCourier: true},
	{name: "an old close", far: 1, brief: true, quiet: true, lean: true, partial: true, close: true, back: true, noCourier: true, leads: toAnOldClose},
	{name: "an order that is refused first", brief: true, quiet: true, lean: true, hinders: []string{otherReader}, noCourier: true},
	{name: "refused for one reason after another", brief: true, quiet: true, lean: true, hinders: []string{otherReader, noClock, badLedger}, noCourier: true},
	{name: "refused first, and begun anew", brief: true, quiet: true, lean: true, hinders: []string{badLedger}, anew: true, noCourier: true},
	{name: "refused first, and a cancel", long: true, brief: true, quiet: true, lean: true, hinders: []string{noClock}, cancel: true, noCourier: true},
	{name: "refused first, and late copies", long: true, brief: true, quiet: true, lean: true, hinders: []string{badLedger}, copies: 1, noCourier: true},
	{name: "refused first, and another issued", far: 2, leads: toTheEarlier, brief: true, quiet: true, lean: true, hinders: []string{otherReader}, another: true, noCourier: true},
	everything(2),
	everything(3),
}

// everything is all that can happen, in one search, as long as no more than so many
// choices on the way are not the first one.
func everything(far int) shape {
	return shape{
		name: fmt.Sprintf("everything, %d departures", far), long: far > 2, brief: true, quiet: true, lean: true, copies: 1, far: far,
		cancel: true, sealed: true, partial: true, close: true, back: true, grow: true, clock: true, again: true,
	}
}

// quickShapes are those of a run of all tests; the others are for make handshake, and
// those that are long for make handshake-all.
const quickShapes = 1

// fair says whether a choice is what a network that works and a machine that stays
// on bring, sooner or later.
func (h *shaking) fair(p *point, what string) bool {
	kind, _, others := strings.Cut(what, ":")
	if others {
		return slices.Contains([]string{"copy", "gone", "hand", "poll", "back", "mend", "bring"}, kind) || h.o.partial && (kind == "publish" || kind == "close")
	}
	return slices.Contains([]string{"go", "flush", "done", "written", "on", "whole", "buried"}, what)
}

// stuck tells how many states are. A bounded search takes every state from which a
// choice was not followed for one that reaches an end, so its zero says nothing.
func (o shape) stuck(n int) string {
	if n == 0 && o.far > 0 {
		return "not known (bounded)"
	}
	return fmt.Sprint(n)
}

func TestModelOfTheHandshake(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	top, only := t, newShaking(t)
	var after *shaking
	all := shapes[:quickShapes]
	if os.Getenv("HANDSHAKE") != "" {
		all = shapes
	}
	for _, o := range all {
		if o.long && os.Getenv("HANDSHAKE") != "all" {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			h := only
			if o.another {
				if after == nil {
					after = newShakingAfter(top, true)
				}
				h = after
			}
			h.o = o
			began := time.Now()
			g := h.explore(0, false)
			stuck := g.stuck()
			fmt.Printf("model: hand-shake, %s: %d states, %d transitions, %d ends, %d violations, stuck: %s (%v)\n",
				o.name, len(g.points), g.edges, g.ends(), min(len(g.problem), 1), o.stuck(len(stuck)), time.Since(began).Round(time.Second))
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
