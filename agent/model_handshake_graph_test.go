package agent

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// point is a place in the graph: a standing, and how far the process has got from
// it. Where it came from is kept; the standing itself only until every choice there
// has been followed.
type point struct {
	at      *standing
	script  []string
	label   string
	options []string
	to      []int32 // beside options; -1 not followed yet
	left    int     // options not followed yet
	end     bool
	amid    bool // steps that take no part
	from    int32
	by      string
}

type graph struct {
	h       *shaking
	points  []*point
	known   map[pointKey]int32
	open    []turn
	edges   int
	far     int // so far
	problem string
	fell    bool // the problem is a panic that is no violation
}

// turn is a choice that nobody has followed yet.
type turn struct {
	point int32
	what  string
	cut   *standing // what is there then, where that is known
	far   int       // how many choices on the way were not the first
}

// explore goes through every standing that can be reached. The first choice is
// always the one in which nothing goes wrong, and it is followed at once, as long as
// it leads to something new; the others wait their turn. So a violation is told by a
// way in which few things go wrong. To find a mistake soon, the last one that waits
// is taken first.
func (h *shaking) explore(most int, deep bool) *graph {
	g := &graph{h: h, known: map[pointKey]int32{}}
	g.follow(turn{point: -1, cut: h.begins()})
	for tell := 0; len(g.open) > 0 && g.problem == "" && (most == 0 || len(g.points) < most); {
		if len(g.points) >= tell+2000 && os.Getenv("HANDSHAKE_TELL") != "" {
			tell = len(g.points)
			fmt.Fprintf(os.Stderr, "%s: %d states, %d transitions, %d choices wait, %d of them not the first, %d states of the desk\n", h.o.name, tell, g.edges, len(g.open), g.far, len(h.desk.views))
		}
		next := g.open[0]
		if deep {
			next = g.open[len(g.open)-1]
			g.open = g.open[:len(g.open)-1]
		} else {
			g.open = g.open[1:]
		}
		if g.far = next.far; h.o.far > 0 && next.far > h.o.far {
			break // and so is everything that waits behind it
		}
		g.follow(next)
	}
	return g
}

// follow takes one choice, and from there on the first one everywhere, until it
// comes to a place that is known.
func (g *graph) follow(next turn) {
	i, what, at := next.point, next.what, next.cut
	var script []string
	if at == nil {
		p := g.points[i]
		at, script = p.at, append(slices.Clip(p.script), what)
	}
	defer func() { g.caught(recover(), i, what) }()
	meet := func(r *running, label string, options []string) (string, bool) {
		options = g.h.o.first(r, options)
		to, fresh := g.add(r.key(label), func() *point {
			p := &point{at: at, script: slices.Clone(r.taken), label: label, options: options, left: len(options), from: i, by: what}
			p.end = label == "begin" && g.h.ended(*at)
			p.amid = label == "begin" && amid(at.cells)
			return p
		})
		g.link(i, what, to)
		i = to
		if !fresh {
			return "", false
		}
		if len(options) == 0 {
			g.points[i].at = nil
			return "", false
		}
		for _, other := range options[1:] {
			t := turn{point: i, what: other, far: next.far + 1}
			if s, known := r.cuts[other]; known {
				t.cut = &s
			}
			g.open = append(g.open, t)
		}
		what = options[0]
		return what, true
	}
	if next.cut != nil {
		g.h.holds(*at)
	}
	for {
		r, over := g.h.play(*at, script, meet)
		if !over {
			return
		}
		s := r.s
		g.h.holds(s)
		at, script = &s, nil
	}
}

func (g *graph) add(key pointKey, make func() *point) (id int32, fresh bool) {
	if id, ok := g.known[key]; ok {
		return id, false
	}
	p := make()
	for range p.options {
		p.to = append(p.to, -1)
	}
	id = int32(len(g.points))
	g.known[key] = id
	g.points = append(g.points, p)
	return id, true
}

func (g *graph) link(from int32, what string, to int32) {
	if from < 0 {
		return
	}
	p := g.points[from]
	p.to[slices.Index(p.options, what)] = to
	g.edges++
	if p.left--; p.left == 0 {
		p.at, p.script = nil, nil
	}
}

// caught turns a violation into the path that led there.
func (g *graph) caught(v any, i int32, what string) {
	switch v := v.(type) {
	case nil:
	case violated:
		g.problem = string(v) + "\n" + g.path(i) + "  " + what
	default:
		g.fell = true
		g.problem = fmt.Sprintf("the process fell over: %v\n%s  %s", v, g.path(i), what)
	}
}

func (g *graph) path(i int32) string {
	var all []string
	for ; i >= 0; i = g.points[i].from {
		all = append(all, fmt.Sprintf("  %s [%s]\n", g.points[i].by, g.points[i].label))
	}
	slices.Reverse(all)
	return strings.Join(all, "")
}

// stuck are the places from which no end can be reached any more.
func (g *graph) stuck() (all []int32) {
	back := make([][]int32, len(g.points))
	var reach []int32
	seen := make([]bool, len(g.points))
	for i, p := range g.points {
		for k, to := range p.to {
			if to >= 0 && g.h.fair(p, p.options[k]) {
				back[to] = append(back[to], int32(i))
			}
		}
		if p.end || p.left > 0 {
			reach, seen[i] = append(reach, int32(i)), true
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
			all = append(all, int32(i))
		}
	}
	return all
}

// around tells where the choices at places without an end lead.
func (g *graph) around(all []int32) string {
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
