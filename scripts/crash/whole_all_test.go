//go:build (amd64 || arm64) && !android

package crash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// bookedScene takes the recording of a book, or makes both. A book is a folder: the
// recording with its programs, and carried.jsonl.
func bookedScene(t *testing.T, dir string) (*scene, trace) {
	t.Helper()
	holdBook(t, dir)
	lines := filepath.Join(dir, "carried.jsonl")
	if _, err := os.Stat(lines); err == nil {
		s, tr := keptScene(t, dir)
		now := &scene{Dir: t.TempDir()}
		now.buildPrograms(t, alike)
		of := s.version(t)
		of.Programs = now.programs(t)
		if s.programs(t) != of.Programs {
			t.Fatalf("cannot go on with the book %s: %v", dir, errBookOfOthers)
		}
		s.open(t, lines, of)
		return s, tr
	}
	if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
		t.Fatalf("%s is no book, or its recording was stopped: remove it, or name another", dir)
	}
	s, tr := newSceneIn(t, dir, alike)
	for i := range worthOfTheMount { // built in already, and a book among the sources is no package of theirs
		if err := os.Remove(s.paper(fmt.Sprintf("overlay-%d.go", i))); err != nil {
			t.Fatal(err)
		}
	}
	s.open(t, lines, s.version(t))
	return s, tr
}

// holdBook makes the folder of a book where there is none, and has no other run write
// in it, not even while the recording is made.
func holdBook(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatalf("cannot go on with the book %s: another run writes it: %v", dir, err)
	}
}

func (s *scene) open(t *testing.T, path string, of version) {
	t.Helper()
	var err error
	if s.book, err = openBook(path, of); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.book.file.Close(); err != nil {
			t.Error(err)
		}
	})
}

// version is what the scene's programs, the lab here and the recording are.
func (s *scene) version(t *testing.T) version {
	t.Helper()
	lab, err := filepath.Glob("*.go") // all of it: nobody can say which of them decides nothing
	if err != nil || len(lab) == 0 {
		t.Fatalf("the lab's sources: %v, %v", lab, err)
	}
	return version{Programs: s.programs(t), Lab: digestOf(t, lab...), Trace: digestOf(t, s.paper("trace"))}
}

func (s *scene) programs(t *testing.T) string {
	t.Helper()
	return digestOf(t, s.bin("unbindd"), s.bin("unbind-desk"), s.bin("readersim"))
}

func digestOf(t *testing.T, paths ...string) string {
	t.Helper()
	h := sha256.New()
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// carriedByTheBook carries the images that are not in the book, and says what the book
// says then.
func (s *scene) carriedByTheBook(t *testing.T, r *replay, tr trace) {
	choices := s.book.list(t, s.paper(fmt.Sprintf("images-%d-%d.json", r.seed, r.randoms)), r, tr)
	begin := s.book.count()
	t.Logf("whole unbinding: %d choices at %d operations come to %d images, %d of them in the book", choices, tr.count, begin.of, begin.done)
	r.book, r.pick = s.book, s.book.missing(r.pick)
	told := s.book.tell(t, time.Now())
	r.run(t, tr)
	told()
	end := s.book.count()
	t.Logf("whole unbinding: %s", end)
	if len(end.failures) > 0 || end.done < end.of {
		t.Errorf("%d images were not carried to the end, %d failed", end.of-end.done, len(end.failures))
	}
	for _, failure := range end.failures {
		t.Error(failure)
	}
}

// tell says every half minute how far it is, until what it returns is called.
func (b *book) tell(t *testing.T, begun time.Time) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case now := <-time.After(30 * time.Second):
				t.Logf("whole unbinding: %s", b.count().progress(now.Sub(begun)))
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// tally is what a book says.
type tally struct {
	of, done int // images
	judged   int // in this run
	again    int // that failed once
	failures []string
}

// progress is told while it goes on, from what this run took so far.
func (t tally) progress(took time.Duration) string {
	line := fmt.Sprintf("%d of %d images carried, %d failed", t.done, t.of, len(t.failures))
	if t.judged == 0 {
		return line
	}
	each := took / time.Duration(t.judged)
	return fmt.Sprintf("%s, %.0f a minute, %v to go", line, time.Minute.Seconds()/each.Seconds(), (time.Duration(t.of-t.done) * each).Round(time.Minute))
}

// String is told at the end.
func (t tally) String() string {
	line := fmt.Sprintf("%d of %d images carried to the end: %s", t.done, t.of, counted(figures{Failures: t.failures}))
	if t.again > 0 {
		line += fmt.Sprintf("; %d failed once and passed when they were carried again", t.again)
	}
	return line
}
