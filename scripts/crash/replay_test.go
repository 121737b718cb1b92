//go:build (amd64 || arm64) && !android

package crash

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	gosync "sync"
	"syscall"
	"testing"
	"time"
)

// replay is one record, cut at every operation.
type replay struct {
	store   string // for whoever reads a failure
	seed    uint64
	randoms int                                                 // choices at random, a point
	deaf    func(o op) bool                                     // syncs that the medium ignores
	rest    func(m map[int]string, told []string) map[int][]int // durable blocks that may rot, by file number
	judge   func(dir string, told []string) error
	skip    int    // points before this one are not judged
	from    string // points are judged once the newest word told begins so
	only    string // one case: "operation/choice"
	whole   bool   // an append never spoils what its block held before: no garbage
	enough  int    // failures after which it ends; 0 means 20

	seen *seen
}

// seen is what was tried: images by content, and by content and what was told.
type seen struct {
	mu     gosync.Mutex
	judged map[[2]uint64]struct{}
	images map[[2]uint64]struct{}
}

func newSeen() *seen {
	return &seen{judged: map[[2]uint64]struct{}{}, images: map[[2]uint64]struct{}{}}
}

// figures is what a replay counted.
type figures struct {
	Ops, Images, Distinct int
	Failures              []string
	Took, Busy            time.Duration // by the clock, and of the processors
}

func (f *figures) add(g figures) {
	f.Ops, f.Images, f.Distinct = f.Ops+g.Ops, f.Images+g.Images, f.Distinct+g.Distinct
	f.Failures, f.Took, f.Busy = append(f.Failures, g.Failures...), f.Took+g.Took, f.Busy+g.Busy
}

func (f figures) perMinute() int { return int(float64(f.Distinct) / max(f.Took.Minutes(), 1e-9)) }

// processors is how long this program has kept processors busy.
func processors() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const workers = 2

var errEnough = errors.New("enough failures")

// run cuts the record at each operation and has every image judged.
func (r *replay) run(t testing.TB, tr trace) figures {
	t.Helper()
	begun, busy := time.Now(), processors()
	if r.seen == nil {
		r.seen = newSeen()
	}
	if r.enough == 0 {
		r.enough = 20
	}
	dir := memoryFolder(t)
	var mu gosync.Mutex
	total := figures{Ops: tr.count}
	var wait gosync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			work := &worker{replay: r, which: w, dir: filepath.Join(dir, fmt.Sprint("w", w)), disk: newDisk(), paths: map[int]string{}}
			err := tr.each(work.step)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !errors.Is(err, errEnough) {
				t.Errorf("cannot replay: %v", err)
			}
			total.add(work.figures)
		})
	}
	wait.Wait()
	total.Took, total.Busy = time.Since(begun), processors()-busy
	return total
}

// worker judges every so-manieth point; it follows all of the record.
type worker struct {
	*replay
	figures
	which int
	dir   string
	disk  *disk
	told  []string
	paths map[int]string // of files, by the name that they had last
	n     int
}

func (w *worker) step(n int, o op) error {
	switch {
	case o.Kind == note:
		w.told = append(w.told, strings.Split(o.Told, "\n")...)
	case (o.Kind == sync || o.Kind == syncFolder) && w.deaf != nil && w.deaf(o):
	default:
		w.disk.apply(o)
	}
	switch o.Kind {
	case create, link:
		w.paths[o.Ino] = o.Name
	case rename:
		w.paths[o.Ino] = o.Second
	}
	if n < w.skip || n%workers != w.which || w.from != "" && (len(w.told) == 0 || !strings.HasPrefix(w.told[len(w.told)-1], w.from)) {
		return nil
	}
	// #nosec: the same numbers again are the point.
	rng := rand.New(rand.NewPCG(w.seed, uint64(n)))
	choices := w.disk.choices(rng, w.randoms)
	if w.rest != nil {
		for ino, blocks := range w.rest(w.paths, w.told) {
			for _, b := range blocks {
				choices = append(choices, choice{name: fmt.Sprintf("rotten %d.%d", ino, b), rotten: map[int]int{ino: b}})
			}
		}
	}
	for _, c := range choices {
		if err := w.one(n, o, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) one(n int, o op, c choice) error {
	name := fmt.Sprintf("%d/%s", n, c.name)
	if w.only != "" && w.only != name || w.whole && strings.HasPrefix(c.name, "garbage") {
		return nil
	}
	m := w.disk.image(c)
	if !w.first(m) {
		return nil
	}
	w.n++
	dir := filepath.Join(w.dir + "-" + fmt.Sprint(w.n))
	err := m.lay(dir)
	if err != nil {
		return err
	}
	if err := w.judged(dir); err != nil {
		w.Failures = append(w.Failures, fmt.Sprintf("%s after the %s of operation %d: %v\n\trepeat: CRASH_SEED=%d CRASH_CASE=%q, the same test",
			c.name, kindNames[o.Kind], n, err, w.seed, name))
		if len(w.Failures) >= w.enough {
			return errEnough
		}
	}
	return os.RemoveAll(dir)
}

// judged takes it as a failure when the real code dies of an image.
func (w *worker) judged(dir string) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it died of it: %v", p)
		}
	}()
	return w.judge(dir, w.told)
}

// first tells whether this image, with what was told, was not judged before.
func (w *worker) first(m image) bool {
	sum := m.sum()
	with := sum
	with[0] ^= maphash.String(hashSeeds[0], strings.Join(w.told, "\n"))
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	if _, was := w.seen.judged[with]; was {
		return false
	}
	w.seen.judged[with] = struct{}{}
	w.Images++
	if _, was := w.seen.images[sum]; !was {
		w.seen.images[sum] = struct{}{}
		w.Distinct++
	}
	return true
}
