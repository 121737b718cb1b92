package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The world of these tests is a file of lines: every act of a step adds one.

func act(world, what string) error {
	f, err := os.OpenFile(world, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, what)
	return errors.Join(err, f.Sync(), f.Close())
}

func lines(t *testing.T, world string) []string {
	t.Helper()
	b, err := os.ReadFile(world)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Fields(string(b))
}

// testPlan does r1 r2 r3 | f1 f2 f3; each keeps its own name, and f3 checks that
// everything kept before is there.
func testPlan(world string, fail map[string]error) Plan {
	step := func(name string) Step {
		return Step{
			Name: name,
			Do: func(_ context.Context, n *Note) error {
				if err := act(world, name); err != nil {
					return err
				}
				if err := fail[name]; err != nil {
					delete(fail, name)
					return err
				}
				return n.Keep(name, "kept-"+name)
			},
			Undo: func(context.Context, *Note) error { return act(world, "undo-"+name) },
		}
	}
	last := step("f3")
	do := last.Do
	last.Do = func(ctx context.Context, n *Note) error {
		for _, name := range []string{"r1", "r2", "r3", "gate", "f1", "f2"} {
			var v string
			if ok, err := n.Get(name, &v); err != nil || !ok || v != "kept-"+name {
				return fmt.Errorf("note of %s: %q %v %w", name, v, ok, err)
			}
		}
		return do(ctx, n)
	}
	return Plan{
		Reversible: []Step{step("r1"), step("r2"), step("r3")},
		Gate:       step("gate").Do,
		Final:      []Step{step("f1"), step("f2"), last},
	}
}

func carrier(j *Journal, p Plan, w Watch) *Carrier {
	return &Carrier{
		Journal: j, Plan: p, Watch: w, Cancel: make(chan struct{}),
		Pause:   func(ctx context.Context, _ int) error { return ctx.Err() },
		CodeOf:  func(error) string { return "E22" },
		Parting: func(r Run) ([]Parcel, error) { return []Parcel{{Case: "c", Kind: "answer", N: 1}}, nil },
	}
}

func begun(t *testing.T) *Journal {
	t.Helper()
	j, err := Create(filepath.Join(t.TempDir(), "journal.db"), Options{Reserve: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	if err := j.Begin(Order{Name: "cmd", ID: "id-1", Seq: 1}); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestCarryDoesEveryStepOnceInOrder(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	run, err := carrier(j, testPlan(world, nil), nil).Carry(t.Context())
	if err != nil || run.Outcome != Done || !run.Crossed {
		t.Fatalf("%+v %v", run, err)
	}
	if got := strings.Join(lines(t, world), " "); got != "r1 r2 r3 gate f1 f2 f3" {
		t.Errorf("did %s", got)
	}
	if _, err := carrier(j, testPlan(world, nil), nil).Carry(t.Context()); err != nil || len(lines(t, world)) != 7 {
		t.Error("a run that was done was carried out again")
	}
	if err := j.Begin(Order{Name: "cmd", ID: "id-1", Seq: 1}); err != nil {
		t.Errorf("the same command cannot begin twice: %v", err)
	}
	if err := j.Begin(Order{Name: "other", ID: "id-2", Seq: 2}); !errors.Is(err, ErrOther) {
		t.Errorf("another command began after the terminal was unbound: %v", err)
	}
}

func TestFailedStepsAreTriedAgain(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	fail := map[string]error{"r2": errors.New("no"), "gate": errors.New("no"), "f1": errors.New("no")}
	if run, err := carrier(j, testPlan(world, fail), nil).Carry(t.Context()); err != nil || run.Outcome != Done {
		t.Fatalf("%+v %v", run, err)
	}
	if got := strings.Join(lines(t, world), " "); got != "r1 r2 r2 r3 gate gate f1 f1 f2 f3" {
		t.Errorf("did %s", got)
	}
}

func TestGivingUpUndoesBackwards(t *testing.T) {
	for at, want := range map[string]string{
		"r1": "r1 undo-r1", "r3": "r1 r2 r3 undo-r3 undo-r2 undo-r1", "gate": "r1 r2 r3 gate undo-r3 undo-r2 undo-r1",
	} {
		j, world := begun(t), filepath.Join(t.TempDir(), "world")
		fail := map[string]error{at: &GiveUp{Err: errors.New("never")}}
		run, err := carrier(j, testPlan(world, fail), nil).Carry(t.Context())
		if err != nil || run.Outcome != Undone || run.Code != "E22" || run.Crossed {
			t.Fatalf("%+v %v", run, err)
		}
		if got := strings.Join(lines(t, world), " "); got != want {
			t.Errorf("gave up at %s: did %s, want %s", at, got, want)
		}
		if box, err := j.Outbox(); err != nil || len(box) != 1 {
			t.Errorf("the end was not answered: %v %v", box, err)
		}
		if used, err := j.Consumed("id-1"); err != nil || !used {
			t.Error("an undone command is not consumed")
		}
		if err := j.Begin(Order{Name: "next", ID: "id-2", Seq: 2}); err != nil {
			t.Errorf("after an undone run nothing can begin: %v", err)
		}
	}
}

func TestAgainGoesBackToTheNamedSteps(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	fail := map[string]error{"gate": &Again{Steps: []string{"r2", "r3"}, Why: "moved"}, "f2": &Again{Steps: []string{"f1"}, Why: "back"}}
	if run, err := carrier(j, testPlan(world, fail), nil).Carry(t.Context()); err != nil || run.Outcome != Done {
		t.Fatalf("%+v %v", run, err)
	}
	if got := strings.Join(lines(t, world), " "); got != "r1 r2 r3 gate r2 r3 gate f1 f2 f1 f2 f3" {
		t.Errorf("did %s", got)
	}
	j, world = begun(t), filepath.Join(t.TempDir(), "world")
	fail = map[string]error{"f2": &Again{Steps: []string{"r1"}, Why: "back over the line"}}
	if _, err := carrier(j, testPlan(world, fail), nil).Carry(t.Context()); err == nil {
		t.Error("a final step went back over the point of no return")
	}
}

func TestOpenStepsDoNotHoldUpTheOthers(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	plan := testPlan(world, map[string]error{"f1": &LeftOpen{Detail: "reader silent"}})
	plan.Final[2].Do = func(context.Context, *Note) error { return act(world, "f3") }
	if run, err := carrier(j, plan, nil).Carry(t.Context()); err != nil || run.Outcome != Done {
		t.Fatalf("%+v %v", run, err)
	}
	steps, err := j.Steps()
	if err != nil || steps["f1"].State != "open" || steps["f1"].Detail != "reader silent" {
		t.Errorf("%+v %v", steps["f1"], err)
	}
}

func TestCancelIsHeardUntilTheLineAndNotAfter(t *testing.T) {
	for _, at := range []string{"r1", "r3", CrossName, "f1"} {
		t.Run(at, func(t *testing.T) {
			j, world := begun(t), filepath.Join(t.TempDir(), "world")
			var took bool
			watch := func(e Event) {
				if e.Step == at && e.Moment == Worked {
					var err error
					if took, err = j.Cancel(); err != nil {
						t.Error(err)
					}
				}
			}
			run, err := carrier(j, testPlan(world, nil), watch).Carry(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := Cancelled
			if at == "f1" {
				want = Done
			}
			if run.Outcome != want || took != (want == Cancelled) || run.Crossed == (want == Cancelled) {
				t.Errorf("cancelled at %s: took %v, %+v", at, took, run)
			}
		})
	}
}

func TestCancelWakesAWaitingStep(t *testing.T) {
	j, world := begun(t), filepath.Join(t.TempDir(), "world")
	plan := testPlan(world, nil)
	plan.Reversible[1].Do = func(ctx context.Context, _ *Note) error { <-ctx.Done(); return context.Cause(ctx) }
	cancel := make(chan struct{})
	c := carrier(j, plan, func(e Event) {
		if e.Step == "r2" && e.Moment == Starting {
			if ok, err := j.Cancel(); !ok || err != nil {
				t.Error("cannot cancel", err)
			}
			close(cancel)
		}
	})
	c.Cancel = cancel
	if run, err := c.Carry(t.Context()); err != nil || run.Outcome != Cancelled {
		t.Fatalf("%+v %v", run, err)
	}
	if got := strings.Join(lines(t, world), " "); got != "r1 undo-r2 undo-r1" {
		t.Errorf("did %s", got)
	}
}

// The child of the kill tests: it carries the plan out and ends itself hard at
// one moment of one step.
func TestMain(m *testing.M) {
	if dir := os.Getenv("JOURNAL_CHILD"); dir != "" {
		child(dir, os.Getenv("JOURNAL_KILL_AT"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir, killAt string) {
	j, err := Create(filepath.Join(dir, "journal.db"), Options{Reserve: 64 << 10})
	fail := map[string]error{}
	if os.Getenv("JOURNAL_GIVE_UP") != "" {
		fail["gate"] = &GiveUp{Err: errors.New("never")}
	}
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	check(err)
	check(j.Begin(Order{Name: "cmd", ID: "id-1", Seq: 1}))
	run, err := carrier(j, testPlan(filepath.Join(dir, "world"), fail), func(e Event) {
		if e.Step+":"+e.Moment == killAt {
			p, err := os.FindProcess(os.Getpid())
			check(err)
			check(p.Kill())
			select {}
		}
	}).Carry(context.Background())
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(run))
}

func runChild(t *testing.T, dir, killAt string, giveUp bool) (Run, bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "JOURNAL_CHILD="+dir, "JOURNAL_KILL_AT="+killAt, "GORACE=atexit_sleep_ms=0")
	if giveUp {
		cmd.Env = append(cmd.Env, "JOURNAL_GIVE_UP=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no child outlives its test
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		return Run{}, false
	}
	if err != nil {
		t.Fatalf("child: %v %s", err, exit.Stderr)
	}
	var run Run
	sc := bufio.NewScanner(strings.NewReader(string(out)))
	sc.Scan()
	if err := json.Unmarshal(sc.Bytes(), &run); err != nil {
		t.Fatal(err)
	}
	return run, true
}

// Every moment of every step, enumerated: SIGKILL there, start again, and the
// world is the same but for one repeated act where the kill fell between the
// act and its record.
func TestSIGKILLAtEveryMomentChangesNothing(t *testing.T) {
	order := []string{"r1", "r2", "r3", CrossName, "f1", "f2", "f3"}
	for i, step := range order {
		for _, moment := range []string{Starting, Worked, Recorded} {
			t.Run(step+"/"+moment, func(t *testing.T) {
				dir := t.TempDir()
				if _, survived := runChild(t, dir, step+":"+moment, false); survived {
					t.Fatal("the child was not killed")
				}
				run, _ := runChild(t, dir, "", false)
				if run.Outcome != Done || !run.Crossed {
					t.Fatalf("%+v", run)
				}
				want := []string{"r1", "r2", "r3", "gate", "f1", "f2", "f3"}
				if moment == Worked {
					want = append(want[:i+1], append([]string{want[i]}, want[i+1:]...)...)
				}
				if got := lines(t, filepath.Join(dir, "world")); strings.Join(got, " ") != strings.Join(want, " ") {
					t.Errorf("did %v, want %v", got, want)
				}
			})
		}
	}
}

func TestSIGKILLWhileUndoingChangesNothing(t *testing.T) {
	for _, step := range []string{"r1", "r2", "r3"} {
		for _, moment := range []string{Undoing, Reverted} {
			t.Run(step+"/"+moment, func(t *testing.T) {
				dir := t.TempDir()
				if _, survived := runChild(t, dir, step+":"+moment, true); survived {
					t.Fatal("the child was not killed")
				}
				run, _ := runChild(t, dir, "", true)
				if run.Outcome != Undone || run.Crossed {
					t.Fatalf("%+v", run)
				}
				got := strings.Join(lines(t, filepath.Join(dir, "world")), " ")
				if !strings.HasSuffix(got, "undo-r1") || strings.Contains(got, "f1") {
					t.Errorf("did %s", got)
				}
			})
		}
	}
}
