package agent

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// shapes are the searches: together they have everything that can happen. The full
// ones let more happen in one search.
var shapes = []shape{
	{name: "in short", brief: true, noCourier: true},
	{name: "plain", noCourier: true},
	{name: "a receipt carried in"},
	{name: "a cancel", cancel: true, noCourier: true, again: true},
	{name: "a ledger that grows", grow: true, noCourier: true},
	{name: "no receipt, by an amendment", sealed: true, noCourier: true},
	{name: "a partial certificate", partial: true, close: true, noCourier: true},
	{name: "a close", close: true, noCourier: true},
	{name: "clocks that run out", clock: true, noCourier: true},
	{name: "copies that come late", copies: 1, noCourier: true},
}

// quickShapes are those of a run of all tests; the others are for make handshake.
const quickShapes = 1

// point is a place in the graph: a standing, and how far the process has got from it.
type point struct {
	standing standing
	script   []string
	label    string
	options  []string
	to       []int
	fair     []bool
	end      bool
	done     bool // everything that follows is known
	from     int
	by       string
}

type graph struct {
	h       *shaking
	points  []*point
	known   map[string]int
	edges   int
	problem string
}

// explore goes through every standing that can be reached, breadth first, so that
// a violation is told by its shortest way; or, to find one soon, into the depth.
func (h *shaking) explore(most int, deep bool) *graph {
	g := &graph{h: h, known: map[string]int{}}
	g.boundary(standing{cells: h.first}, -1, "")
	for open := []int{0}; len(open) > 0 && g.problem == "" && (most == 0 || len(g.points) < most); {
		i := open[0]
		if open = open[1:]; len(g.points) > 1 && g.edges%1000 < 5 && os.Getenv("HANDSHAKE_TELL") != "" {
			fmt.Fprintf(os.Stderr, "%d of %d states, %d transitions\n", len(g.points)-len(open), len(g.points), g.edges)
		}
		before := len(g.points)
		g.expand(i)
		var more []int
		for j := before; j < len(g.points); j++ {
			more = append(more, j)
		}
		if deep {
			open = append(more, open...)
		} else {
			open = append(open, more...)
		}
	}
	return g
}

func (g *graph) expand(i int) {
	p := g.points[i]
	p.done = true
	for _, what := range p.options {
		to := g.follow(i, what)
		if g.problem != "" {
			return
		}
		g.edges++
		p.to, p.fair = append(p.to, to), append(p.fair, g.h.fair(p, what))
	}
}

// follow takes one choice and finds the place it leads to.
func (g *graph) follow(i int, what string) (to int) {
	defer g.caught(i, what)
	p := g.points[i]
	r, choice := g.h.play(p.standing, append(slices.Clip(p.script), what))
	if choice == nil {
		return g.boundary(r.s, i, what)
	}
	return g.add(r.key(choice.label), i, what, func() *point {
		return &point{standing: p.standing, script: append(slices.Clip(p.script), what), label: choice.label, options: choice.options}
	})
}

// caught turns a violation into the path that led there.
func (g *graph) caught(i int, what string) {
	switch v := recover().(type) {
	case nil:
	case violated:
		g.problem = string(v) + "\n" + g.path(i) + "  " + what
	default:
		g.problem = fmt.Sprintf("the process fell over: %v\n%s  %s", v, g.path(i), what)
	}
}

func (g *graph) boundary(s standing, from int, by string) int {
	g.h.holds(s)
	r, choice := g.h.play(s, nil)
	return g.add(r.key("begin"), from, by, func() *point {
		return &point{standing: s, label: "begin", options: choice.options, end: g.h.ended(s)}
	})
}

func (g *graph) add(key string, from int, by string, make func() *point) int {
	if id, ok := g.known[key]; ok {
		return id
	}
	p := make()
	p.from, p.by = from, by
	g.known[key] = len(g.points)
	g.points = append(g.points, p)
	return len(g.points) - 1
}

func (g *graph) path(i int) string {
	var all []string
	for ; i >= 0; i = g.points[i].from {
		all = append(all, fmt.Sprintf("  %s [%s]\n", g.points[i].by, g.points[i].label))
	}
	slices.Reverse(all)
	return strings.Join(all, "")
}

// fair says whether a choice is what a network that works and a machine that stays
// on bring, sooner or later.
func (h *shaking) fair(p *point, what string) bool {
	kind, _, others := strings.Cut(what, ":")
	if others {
		return slices.Contains([]string{"copy", "gone", "hand", "poll"}, kind) || h.o.partial && (kind == "publish" || kind == "close")
	}
	return slices.Contains([]string{"go", "flush", "done", "written", "on", "whole", "buried"}, what)
}

// stuck are the places from which no end can be reached any more.
func (g *graph) stuck() (all []int) {
	back := make([][]int, len(g.points))
	var reach []int
	seen := make([]bool, len(g.points))
	for i, p := range g.points {
		for k, to := range p.to {
			if p.fair[k] {
				back[to] = append(back[to], i)
			}
		}
		if p.end || !p.done {
			reach, seen[i] = append(reach, i), true
		}
	}
	for len(reach) > 0 {
		i := reach[0]
		reach = reach[1:]
		for _, j := range back[i] {
			if !seen[j] {
				seen[j] = true
				reach = append(reach, j)
			}
		}
	}
	for i := range seen {
		if !seen[i] {
			all = append(all, i)
		}
	}
	return all
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

// around tells where the choices at places without an end lead.
func (g *graph) around(all []int) string {
	var out strings.Builder
	for _, i := range all[:min(len(all), 12)] {
		p := g.points[i]
		fmt.Fprintf(&out, "  %d [%s]:", i, p.label)
		for k, to := range p.to {
			fmt.Fprintf(&out, " %s -> %d,", p.options[k], to)
		}
		out.WriteString("\n")
	}
	return out.String()
}

func (g *graph) ends() (n int) {
	for _, p := range g.points {
		if p.end {
			n++
		}
	}
	return n
}
