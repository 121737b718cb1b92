//go:build (amd64 || arm64) && !android

package crash

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"
	"testing"
	"time"
)

// small is a record of a few operations with a terminal, a desk and a reader.
func small(t *testing.T) trace {
	t.Helper()
	w, err := newTraceWriter(filepath.Join(t.TempDir(), "trace"))
	if err != nil {
		t.Fatal(err)
	}
	tell := func(word string) op { return op{Kind: note, Told: word} }
	puts := func(ino int, text string) op { return op{Kind: write, Ino: ino, Data: []byte(text)} }
	ops := []op{
		{Kind: create, Ino: 1, Name: "terminal", Folder: true}, {Kind: create, Ino: 2, Name: "desk", Folder: true},
		{Kind: create, Ino: 3, Name: "reader", Folder: true}, {Kind: syncFolder, Ino: 0}, tell(plantedWord),
		{Kind: create, Ino: 4, Dir: 1, Name: "a"}, {Kind: create, Ino: 5, Dir: 2, Name: "d"}, {Kind: create, Ino: 6, Dir: 3, Name: "nvm"},
		puts(4, "one"), {Kind: sync, Ino: 4}, {Kind: syncFolder, Ino: 1},
		puts(5, "desk"), {Kind: sync, Ino: 5}, // that changes nothing at the desk
		tell("a word that nobody heeds"), puts(6, "reader"), {Kind: sync, Ino: 6}, tell(enrolledWord),
		puts(4, "two"), puts(4, "one"), {Kind: sync, Ino: 4},
	}
	for _, o := range ops {
		if err := w.add(o); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := w.close()
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// looked keeps what a judge has seen of every image: all that lies there, and the words.
type looked struct {
	mu     gosync.Mutex
	images []string
	fail   func(n int) error // the n-th, or nil
}

func (l *looked) judge(dir string, told []string) error {
	var parts []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		var text []byte
		if err == nil && !d.IsDir() {
			text, err = os.ReadFile(path)
		}
		parts = append(parts, fmt.Sprintf("%s %q", strings.TrimPrefix(path, dir), text))
		return err
	})
	parts = append(parts, slices.DeleteFunc(slices.Clone(told), func(w string) bool { return !slices.Contains(doneWords, w) })...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.images = append(l.images, strings.Join(parts, "\n"))
	if l.fail != nil {
		err = errors.Join(err, l.fail(len(l.images)))
	}
	return err
}

func (l *looked) distinct() []string {
	return slices.Compact(slices.Sorted(slices.Values(l.images)))
}

func smallReplay(l *looked) *replay {
	r := &replay{store: "small", seed: 1, randoms: 2, cut: "terminal", judge: l.judge, pick: afterPlanting(nil)}
	return r.withOthers()
}

// everyImage is what there is to see when nothing is taken for equal.
func everyImage(t *testing.T, tr trace) []string {
	t.Helper()
	all := &looked{}
	r := smallReplay(all)
	var n int
	var mu gosync.Mutex
	r.beside = func(*disk, int) ([]string, error) { return nil, nil }
	r.heed, r.hands = nil, 1
	pick := r.pick
	r.pick = func(at int, told []string, choices []choice, rng *lot) []choice {
		mu.Lock()
		defer mu.Unlock()
		n++
		r.seen = newSeen() // all anew at each operation
		return pick(at, told, choices, rng)
	}
	r.run(t, tr)
	return all.distinct()
}

// Images that are equal in all that whoever carries them on can know are carried once;
// those that differ in the desk, the reader or what people had done are not equal.
func TestEqualImagesAreCarriedOnce(t *testing.T) {
	tr := small(t)
	l := &looked{}
	f := smallReplay(l).run(t, tr)
	if want := everyImage(t, tr); !slices.Equal(l.distinct(), want) {
		t.Errorf("%d different images were carried, there are %d", len(l.distinct()), len(want))
	}
	if len(l.images) != len(l.distinct()) || f.Images != len(l.images) || f.Choices <= f.Images {
		t.Errorf("%d carried, %d different, counted as %d of %d choices", len(l.images), len(l.distinct()), f.Images, f.Choices)
	}
}

func bookIn(t *testing.T, path string) *book {
	t.Helper()
	b, err := openBook(path, version{"p", "l", "t"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A run that is stopped is gone on with: what passed is not carried again, what failed
// is, and in the end the book has every image.
func TestABookIsGoneOnWith(t *testing.T) {
	tr, dir := small(t), t.TempDir()
	all := everyImage(t, tr)
	run := func(l *looked) tally {
		b := bookIn(t, filepath.Join(dir, "book"))
		defer b.file.Close()
		r := smallReplay(l)
		r.hands, r.enough = 1, 1
		b.list(t, filepath.Join(dir, "images"), r, tr)
		r.book, r.pick = b, b.missing(r.pick)
		r.run(t, tr)
		return b.count()
	}
	first := &looked{fail: func(n int) error {
		if n == 4 {
			return errors.New(lostWord)
		}
		return nil
	}}
	if c := run(first); c.done != 4 || c.of != len(all) || len(c.failures) != 1 || !strings.Contains(c.String(), "lost acknowledged transactions 1") {
		t.Fatalf("after the first run: %s, of %d", c, len(all))
	}
	second := &looked{}
	if c := run(second); c.done != len(all) || c.of != len(all) || len(c.failures) != 0 || c.again != 1 {
		t.Errorf("after the second run: %s", c)
	}
	if len(first.images)+len(second.images) != len(all)+1 || second.images[0] != first.images[3] {
		t.Errorf("%d and %d were carried of %d, and the one that failed not again first", len(first.images), len(second.images), len(all))
	}
	third := &looked{}
	if c := run(third); len(third.images) != 0 || c.done != len(all) || c.judged != 0 {
		t.Errorf("the third run carried %d; %s", len(third.images), c)
	}
}

// A book is of one version, and is written by one run. A line that was cut is none.
func TestABookBelongsToItsPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book")
	b := bookIn(t, path)
	if err := errors.Join(b.write(page{Image: "1"}, ""), b.write(page{Image: "2"}, "")); err != nil {
		t.Fatal(err)
	}
	if _, err := openBook(path, version{"p", "l", "t"}); err == nil {
		t.Error("two runs write one book")
	}
	if err := b.file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, other := range []version{{"?", "l", "t"}, {"p", "?", "t"}, {"p", "l", "?"}} {
		if _, err := openBook(path, other); !errors.Is(err, errBookOfOthers) {
			t.Errorf("a book of others opens: %v", err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:len(text)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	b = bookIn(t, path)
	defer b.file.Close()
	if !b.passed(page{Image: "1"}) || b.passed(page{Image: "2"}) {
		t.Errorf("of a cut book: %v", b.lines)
	}
}

func TestProgressIsTold(t *testing.T) {
	got := tally{of: 100, done: 40, judged: 20}.progress(10 * time.Minute)
	if want := "40 of 100 images carried, 0 failed, 2 a minute, 30m0s to go"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
