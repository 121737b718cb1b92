package agent

import (
	"os"
	"testing"
)

// What a brief search leaves out must lead nowhere else: every standing between two
// acts of the terminal that the whole search knows, the brief one knows, and no other.
func TestModelOfTheHandshakeInBrief(t *testing.T) {
	if os.Getenv("HANDSHAKE") == "" {
		return // make handshake does it
	}
	h := newShaking(t)
	for _, o := range []shape{
		{name: "plain", noCourier: true},
		{name: "a partial certificate", partial: true, noCourier: true, quiet: true, lean: true},
		{name: "late copies", copies: 1, noCourier: true, quiet: true, lean: true},
	} {
		t.Run(o.name, func(t *testing.T) {
			h.o = o
			whole := h.explore(0, false)
			h.o.brief = true
			brief := h.explore(0, false)
			if whole.problem+brief.problem != "" {
				t.Fatal(whole.problem, brief.problem)
			}
			missing, more := whole.standingsNotIn(brief), brief.standingsNotIn(whole)
			if len(missing) > 0 || len(more) > 0 {
				t.Errorf("%d standings are missing, %d are more", len(missing), len(more))
				for _, i := range missing[:min(len(missing), 2)] {
					t.Log(whole.path(i))
				}
			}
			t.Logf("%d states in full, %d in brief", len(whole.points), len(brief.points))
		})
	}
}

func (g *graph) standingsNotIn(o *graph) (all []int32) {
	for key, i := range g.known {
		if _, there := o.known[key]; !there && g.points[i].label == "begin" {
			all = append(all, i)
		}
	}
	return all
}
