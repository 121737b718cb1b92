package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"unbindd/scripts/programtest"
)

// The test binary runs itself again as the program that is killed.
func TestMain(m *testing.M) {
	if what := os.Getenv("LEDGER_CHILD"); what != "" {
		os.Exit(child(what, os.Getenv("LEDGER_DIR")))
	}
	os.Exit(programtest.Run(m))
}

const childGroup = 3 // events in one Append of the child

// child appends for ever and says on its output what was acknowledged. what is
// where it ends: "before <n>" and "after <n>" the n-th commit, by its own hand;
// "limit <bytes>" when a file cannot grow past that; "never" by its parent's.
func child(what, dir string) int {
	word, number, _ := strings.Cut(what, " ")
	n, _ := strconv.Atoi(number)
	o := testOptions()
	small(&o)
	commits := 0
	o.WrapCommit = func(commit func() error) error {
		commits++
		if word == "before" && commits == n {
			die()
		}
		err := commit()
		if word == "after" && commits == n {
			die()
		}
		return err
	}
	if word == "limit" {
		limitFiles(uint64(n))
	}
	l, err := Open(dir, o)
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	for next := l.Last("PX7-1") + 1; ; next += childGroup {
		_, err := l.Append("PX7-1", sales("PX7-1", next, next+childGroup-1))
		if err != nil {
			return report(l, err)
		}
		fmt.Println("ack", next+childGroup-1)
	}
}

func die() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {}
}

func limitFiles(bytes uint64) {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: bytes}); err != nil {
		panic(err)
	}
}

// report says how a failed commit was answered, and that the ledger is dead.
func report(l *Ledger, err error) int {
	_, again := l.Append("PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+1))
	if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(again, ErrOutcomeUnknown) {
		fmt.Println("append:", err, again)
		return 1
	}
	fmt.Println("unknown", errors.Is(err, syscall.EFBIG) || strings.Contains(err.Error(), "file too large"))
	return 0
}

// run starts a child, kills it after killAfter acknowledgements (0: not), and
// returns the last one and its last words.
func run(t *testing.T, dir, what string, killAfter int) (acked uint64, last string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LEDGER_CHILD="+what, "LEDGER_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 1; lines.Scan(); n++ {
		last = lines.Text()
		if number, ok := strings.CutPrefix(last, "ack "); ok {
			if acked, err = strconv.ParseUint(number, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		if n == killAfter {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // killed, mostly
	return acked, last
}

// What was acknowledged is there; beyond it at most what was under way.
func assertNothingLost(t *testing.T, dir string, acked uint64, inFlight uint64) {
	t.Helper()
	o := testOptions()
	small(&o)
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	last := l.Last("PX7-1")
	if last < acked || last > acked+inFlight || last != l.Head().Seq {
		t.Fatalf("acknowledged %d, stored %d in %d records", acked, last, l.Head().Seq)
	}
	if last > 0 {
		mustAppend(t, l, "PX7-1", sale("PX7-1", last))
	}
	mustAppend(t, l, "PX7-1", sale("PX7-1", last+1))
	if l.Head().Seq != last+1 {
		t.Fatal("the repeated event was stored twice")
	}
	if err := errors.Join(l.Verify(context.Background()), l.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestKilledAtEveryCommit(t *testing.T) {
	for n := 1; n <= 12; n++ {
		for _, where := range []string{"before", "after"} {
			dir := filepath.Join(t.TempDir(), "ledger")
			acked, _ := run(t, dir, fmt.Sprintf("%s %d", where, n), 0)
			if acked != uint64((n-1)*childGroup) {
				t.Fatalf("%s commit %d: %d acknowledged", where, n, acked)
			}
			assertNothingLost(t, dir, acked, childGroup)
		}
	}
}

// One ledger, killed again and again wherever it happens to be.
func TestKilledAnywhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	for round := 1; round <= 12; round++ {
		acked, _ := run(t, dir, "never", 7*round)
		if acked == 0 {
			t.Fatal("the child acknowledged nothing")
		}
		assertNothingLost(t, dir, acked, childGroup)
	}
}

// A commit that really fails, because the file cannot grow, kills the ledger
// and loses nothing.
func TestCommitThatFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	acked, last := run(t, dir, "limit 150000", 0)
	if last != "unknown true" || acked == 0 {
		t.Fatalf("after %d acknowledged: %s", acked, last)
	}
	assertNothingLost(t, dir, acked, childGroup)
}

// An error on either side of the commit: the same answer, and Last tells which.
func TestOutcomeUnknown(t *testing.T) {
	failure := errors.New("the flash said no")
	for name, c := range map[string]struct {
		wrap func(commit func() error) error
		want uint64
	}{
		"not on disk": {func(func() error) error { return failure }, 0},
		"on disk":     {func(commit func() error) error { return errors.Join(commit(), failure) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions()
			failed := false
			o.WrapCommit = func(commit func() error) error {
				if failed {
					return commit()
				}
				failed = true
				return c.wrap(commit)
			}
			dir := filepath.Join(t.TempDir(), "ledger")
			l := mustOpen(t, dir, o)
			_, err := l.Append("PX7-1", sales("PX7-1", 1, 2))
			if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, failure) {
				t.Fatalf("it answered %v", err)
			}
			if _, err := l.Append("PX7-1", sales("PX7-1", 1, 2)); !errors.Is(err, ErrOutcomeUnknown) {
				t.Fatalf("the dead ledger answered %v", err)
			}
			if l.Head().Seq != 0 {
				t.Fatal("the head moved without a known commit")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = mustOpen(t, dir, testOptions())
			if l.Last("PX7-1") != c.want {
				t.Fatalf("stored %d, want %d", l.Last("PX7-1"), c.want)
			}
			mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 3)...)
			mustVerify(t, l)
		})
	}
}

// A ledger, or a segment, that cannot be finished is not there at all.
func TestUnfinishedSegmentIsNotThere(t *testing.T) {
	random := &flaky{broken: true}
	o := testOptions()
	o.Rand = random
	dir := filepath.Join(t.TempDir(), "ledger")
	if _, err := Open(dir, o); err == nil {
		t.Fatal("it opened without randomness")
	}
	o.NoCreate = true
	if _, err := Open(dir, o); !errors.Is(err, ErrAbsent) {
		t.Fatalf("the unfinished ledger answered %v", err)
	}
	random.broken, o.NoCreate = false, false
	l := mustOpen(t, dir, o)
	mustAppend(t, l, "PX7-1", sale("PX7-1", 1))
	random.broken = true
	l.writing.Lock()
	err := l.roll()
	l.writing.Unlock()
	if count, _ := countSegments(dir); err == nil || errors.Is(err, ErrOutcomeUnknown) || count != 1 {
		t.Fatalf("%d segments, %v", count, err)
	}
	random.broken = false
	mustAppend(t, l, "PX7-1", sale("PX7-1", 2))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, dir, o))
	if left, err := filepath.Glob(filepath.Join(dir, "*"+freshSuffix)); err != nil || len(left) != 0 {
		t.Fatalf("left behind: %v, %v", left, err)
	}
}

// Randomness that fails is a plain error: nothing was written, and it can go on.
func TestNoNonceNoRecord(t *testing.T) {
	random := &flaky{}
	l, _ := newLedger(t, func(o *Options) { o.Rand = random })
	random.broken = true
	_, err := l.Append("PX7-1", sales("PX7-1", 1, 2))
	if err == nil || errors.Is(err, ErrOutcomeUnknown) {
		t.Fatalf("it answered %v", err)
	}
	random.broken = false
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 2)...)
	mustVerify(t, l)
}

type flaky struct {
	broken bool
	n      byte
}

func (f *flaky) Read(p []byte) (int, error) {
	if f.broken {
		return 0, errors.New("no randomness")
	}
	for i := range p {
		f.n++
		p[i] = f.n
	}
	return len(p), nil
}
