package agent

import (
	"os"
	"slices"
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

// What a lean search leaves out is no more than the standings in the middle of a row of
// steps that take no part.
func TestModelOfTheHandshakeLean(t *testing.T) {
	if os.Getenv("HANDSHAKE") == "" {
		return // make handshake does it
	}
	h := newShaking(t)
	h.o = shape{name: "plain", brief: true, noCourier: true}
	whole := h.explore(0, false)
	h.o.lean = true
	lean := h.explore(0, false)
	if whole.problem+lean.problem != "" {
		t.Fatal(whole.problem, lean.problem)
	}
	missing, more := whole.standingsNotIn(lean), lean.standingsNotIn(whole)
	within := len(missing)
	missing = slices.DeleteFunc(missing, func(i int32) bool { return whole.points[i].amid })
	if within == 0 || len(missing) > 0 || len(more) > 0 {
		t.Errorf("%d standings are missing, %d of them not amid such steps, %d are more", within, len(missing), len(more))
		for _, i := range missing[:min(len(missing), 2)] {
			t.Log(whole.path(i))
		}
	}
	t.Logf("%d states, %d lean; %d standings amid such steps are left out", len(whole.points), len(lean.points), within)
}

// amid says whether some steps of a row that take no part are behind the terminal, or
// begun, and others of it ahead.
func amid(c cells) bool {
	reversible, final := StepNames()
	for _, all := range [][]string{reversible, final} {
		begun, over := false, true
		for _, step := range append(slices.Clone(all), "") {
			if !slices.Contains(unrelated, step) {
				if begun && !over {
					return true
				}
				begun, over = false, true
				continue
			}
			is := c.step(step)
			begun, over = begun || is != "", over && (is == "done" || is == "open")
		}
	}
	return false
}

func (g *graph) standingsNotIn(o *graph) (all []int32) {
	for key, i := range g.known {
		if _, there := o.known[key]; !there && g.points[i].label == "begin" {
			all = append(all, i)
		}
	}
	return all
}
