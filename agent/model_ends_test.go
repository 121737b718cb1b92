package agent

import (
	"crypto/sha256"
	"maps"
	"os"
	"reflect"
	"sync"
	"testing"
)

// ends are the ends that were lived. Where a life begins and nothing more is to
// befall it, all that comes follows from what is there: what reader, desk and
// disk hold, and what they owe each other. A history that comes to a point that
// another one came to ends as that one did, call by call, and is not lived again;
// each of them was judged to its own last event.
type ends struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte]map[string]int // where it began -> what was seen from there on
	shared int
}

const (
	// mostEnds bounds the memory; then it begins anew.
	mostEnds = 1 << 18
	// againEach is how often an end that is known is lived all the same, to see that
	// it is the same.
	againEach = 64
)

// stepsShared are the steps of ends that were not lived again.
const stepsShared = "steps shared"

// brink is where the end of a history began.
type brink struct {
	key    [sha256.Size]byte
	before map[string]int // what had been seen until then
	steps  int            // and how many had been taken
	want   map[string]int // what must be seen from there on, where it is known; else nil
}

// known says that the end from here on was lived before, and counts what was seen
// in it.
func (w *world) known() bool {
	if w.calm || w.next < len(w.h.Events) || w.disk.find(stoneName) != nil {
		return false
	}
	w.check()
	w.clear, w.looked, w.pauses = nil, -1, 0 // the end looks at it all anew, and waits anew
	if w.bug != noBug || w.tell != nil || w.m.alone {
		return false
	}
	w.from = &brink{key: sha256.Sum256(w.state()), before: maps.Clone(w.tally), steps: w.ops}
	e := &w.m.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	seen, ok := e.known[w.from.key]
	if !ok {
		return false
	}
	if e.shared++; e.shared%againEach == 0 {
		w.from.want = seen
		return false
	}
	for what, n := range seen {
		w.tally[what] += n
	}
	w.tally["ends shared"]++
	return true
}

// learn keeps the end that was just lived, or holds it against the one that is known.
func (w *world) learn() {
	if w.from == nil {
		return
	}
	seen := map[string]int{stepsShared: w.ops - w.from.steps}
	for what, n := range w.tally {
		if n > w.from.before[what] {
			seen[what] = n - w.from.before[what]
		}
	}
	if w.from.want != nil {
		if !maps.Equal(seen, w.from.want) {
			w.violate("the model takes two ends for one: %v and %v", seen, w.from.want)
		}
		w.count("ends lived again")
		return
	}
	e := &w.m.ends
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil || len(e.known) >= mostEnds {
		e.known = map[[sha256.Size]byte]map[string]int{}
	}
	e.known[w.from.key] = seen
}

// apart are the fields that say nothing of what is to come: what is shared by all
// histories, counted, kept to be quick, or made anew with each life. Whatever else
// a world has, or is given one day, tells one point from another.
var apart = map[reflect.Type][]string{
	reflect.TypeFor[world](): {
		"m", "tell", "ops", "gap", "next", "luck", "tally", "lives", "why", "a", "renewed", "looked", "clear", "calm", "from",
		"runs", "opens", "receipts", "manifests", "words", "deskHas", "digests", "reading",
	},
	reflect.TypeFor[history]():     {"Sales", "Events"}, // they are over
	reflect.TypeFor[page]():        {"number"},          // check has looked that the durable one is no older than what was told
	reflect.TypeFor[shelf]():       {"told", "looking", "writing", "spare"},
	reflect.TypeFor[disk]():        {"changes"},
	reflect.TypeFor[modelReader](): {"key"},
}

// state is everything of a world that what is to come depends on.
func (w *world) state() []byte {
	b := &w.reading.value
	b.begin()
	b.put(reflect.ValueOf(w))
	if w.tally["close"] > 0 { // settled asks whether there was one
		b.out = append(b.out, 1)
	}
	return b.out
}

// Every history ends as it would if no end were shared.
func TestModelSharesEnds(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		return // the build that TestModel starts does it
	}
	m := newModel(t)
	shared := 0
	for i := range 1000 {
		h := histories.Example(i)
		var seen [2]map[string]int
		for j := range seen {
			m.alone = j == 1
			w, problem := m.play(h, noBug, nil)
			if problem != "" {
				t.Fatalf("history %d: %s", i, problem)
			}
			seen[j], shared = w.tally, shared+w.tally["ends shared"]
			w.tally["steps"] = w.ops + w.tally[stepsShared]
			for _, what := range []string{stepsShared, "ends shared", "ends lived again"} {
				delete(w.tally, what)
			}
		}
		if !maps.Equal(seen[0], seen[1]) {
			t.Fatalf("history %d saw %v, and without shared ends %v", i, seen[0], seen[1])
		}
	}
	if shared < 100 {
		t.Errorf("only %d ends were shared", shared)
	}
}
