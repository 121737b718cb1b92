package agent

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"unbindd/agent/command"
	"unbindd/agent/journal"
	"unbindd/scripts/programtest"
)

// histories draws one: mostly nothing special, and up to eight things that
// happen to it.
var histories = rapid.Custom(func(t *rapid.T) history {
	small := func(n int, what string) int { return rapid.IntRange(0, n).Draw(t, what) }
	h := history{
		Sales: small(3, "sales"), Gate: command.GateReceipt, Weak: small(7, "weak") == 7, Again: small(1, "again") == 1, Closes: small(3, "closes") == 3,
	}
	if small(7, "gate") == 7 {
		h.Gate = command.GateSealed
	}
	for range small(8, "events") {
		h.Events = append(h.Events, happening{Gap: small(127, "gap"), What: what(small(31, "what") % len(whatNames)), Luck: rapid.Uint64().Draw(t, "luck")})
	}
	return h
})

// modelHistories is how many histories the test of one package lives; make test
// asks for 200,000 and make model for more.
const modelHistories = 4_000

// fullHistories is from how many on everything that can happen must have.
const fullHistories = 100_000

// The whole unbinding, from the first sale to the tombstone, in as many
// histories as MODEL_HISTORIES says; nothing that must hold may ever not hold,
// and everything that can happen must have happened.
func TestModel(t *testing.T) {
	if raced && os.Getenv("MODEL_RACE") == "" {
		withoutDetector(t)
		return
	}
	want := modelHistories
	if n, err := strconv.Atoi(os.Getenv("MODEL_HISTORIES")); err == nil {
		want = n
	}
	m := newModel(t)
	var sum sums
	lives := runtime.GOMAXPROCS(0)
	share := (want + lives - 1) / lives
	given := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(share)); err != nil {
		t.Fatal(err)
	}
	t.Run("histories", func(t *testing.T) {
		for i := range lives {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) { m.live(t, &sum) })
			})
		}
	})
	if err := flag.Set("rapid.checks", given); err != nil {
		t.Fatal(err)
	}
	sum.print()
	if t.Failed() {
		return
	}
	if n := int(sum.histories.Load()); n < want {
		t.Errorf("%d histories, %d were wanted", n, want)
	}
	if want >= fullHistories {
		sum.demand(t)
	}
}

// live lives one history; one that fails is lived again with every call told.
func (m *model) live(t *rapid.T, sum *sums) {
	h := histories.Draw(t, "history")
	w, problem := m.play(h, noBug, nil)
	sum.add(w)
	if problem != "" {
		sum.violations.Add(1)
		if os.Getenv("MODEL_TELL") != "" {
			m.play(h, noBug, t.Logf)
		}
		t.Fatal(problem)
	}
}

// raced says that this build has the race detector.
const raced = programtest.Raced

// withoutDetector has a build without the race detector do the work of all models.
func withoutDetector(t *testing.T) {
	var out bytes.Buffer
	err := programtest.Plain(t.Context(), &out, "^TestModel")
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "model: ") || strings.Contains(line, "--- ") {
			fmt.Print(line)
		}
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, programtest.Red(out.String()))
	}
}

// sums are what all histories saw together.
type sums struct {
	histories, steps, violations atomic.Int64
	mu                           sync.Mutex
	seen                         map[string]int
}

func (s *sums) add(w *world) {
	s.histories.Add(1)
	s.steps.Add(int64(w.ops))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]int{}
	}
	for what, n := range w.tally {
		s.seen[what] += n
	}
}

func (s *sums) print() {
	fmt.Printf("model: %d histories, %d steps, %d power cuts, %d kills, %d failed calls, %d lost answers, %d violations\n", s.histories.Load(), s.steps.Load(),
		s.seen["power cuts"], s.seen["kills"], s.seen["failed calls"], s.seen["lost request"]+s.seen["lost reply"], s.violations.Load())
	fmt.Printf("model: ended: %d done, %d partial, %d undone, %d cancelled\n",
		s.seen["ended done"], s.seen["ended partial"], s.seen["ended undone"], s.seen["ended cancelled"])
	fmt.Printf("model: %d ends were known, %d of them lived again; %d steps of the others were not\n",
		s.seen["ends shared"]+s.seen["ends lived again"], s.seen["ends lived again"], s.seen[stepsShared])
	var cuts []string
	for what, n := range s.seen {
		if step, is := strings.CutPrefix(what, "cut in "); is && step != "" {
			cuts = append(cuts, fmt.Sprintf("%s %d", step, n))
		}
	}
	slices.Sort(cuts)
	fmt.Printf("model: cut in: %s\n", strings.Join(cuts, ", "))
}

// demand wants everything that can happen to have happened: a model in which a
// step was never cut, or an ending never reached, shows nothing about it.
func (s *sums) demand(t *testing.T) {
	reversible, final := StepNames()
	all := slices.Concat(reversible, final, []string{journal.CrossName, "bury"})
	for i, step := range all {
		all[i] = "cut in " + step
	}
	for _, x := range whatNames {
		all = append(all, x)
	}
	all = append(all, "ended done", "ended partial", "ended undone", "ended cancelled", "failed calls", "lost reply", "lost request", "lost twice",
		"open erase-reader-keys", "again erase-reader-keys", "again inspect", "again settle",
		"late receipt taken", "cancel accepted", "undone freeze", "undone seal-backup", "signed complete", "signed partial")
	for _, what := range all {
		if s.seen[what] == 0 {
			t.Errorf("it never happened: %s", what)
		}
	}
}
