//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	gosync "sync"
	"syscall"
	"testing"
	"time"
)

// replay is one record, cut at every operation.
type replay struct {
	store    string // for whoever reads a failure
	seed     uint64
	randoms  int                                                 // choices at random, a point
	deafFrom int                                                 // the operation from which it is
	deaf     func(o op) bool                                     // syncs that the medium ignores
	rest     func(m map[int]string, told []string) map[int][]int // durable blocks that may rot, by file number
	judge    func(dir string, told []string) error
	skip     int    // points before this one are not judged
	record   string // where it is kept, if another recording would not be the same
	from     string // points are judged once the newest word told begins so
	only     string // one case: "operation/choice"
	whole    bool   // an append never spoils what its block held before: no garbage
	raw      bool   // an image has what lies there without a name too
	enough   int    // failures after which it ends; 0 means 20

	cut    string                                                      // the one top folder whose power is cut; the others keep all
	with   []string                                                    // which of those are part of an image
	beside func(d *disk, version int) ([]string, error)                // told besides; asked again when the others changed
	heed   func(word string) bool                                      // which words make a difference to the judge, who hears no others; nil: all
	pick   func(n int, told []string, all []choice, rng *lot) []choice // the choices that are judged; nil: all of them
	hands  int                                                         // images judged at a time; 0 means 2
	book   *book                                                       // what earlier runs judged, and this one does not again; or nil

	seen *seen
}

// seen is what was tried: images by content, and by content and what was told.
type seen struct {
	mu     gosync.Mutex
	judged table
	images table
}

func newSeen() *seen { return &seen{} }

// table is a set of hashes in 8 bytes each and some room. Two images whose
// hashes are equal are taken for one, so that a figure may be too low by one in
// a great many, and never too high.
type table struct {
	slots []uint64
	n     int
}

// add says whether the hash was not there.
func (t *table) add(sum uint64) bool {
	if t.n*4 >= len(t.slots)*3 {
		was := t.slots
		t.slots = make([]uint64, max(1<<10, 2*len(was)))
		t.n = 0
		for _, s := range was {
			if s != 0 {
				t.add(s)
			}
		}
	}
	for at := sum | 1; ; at++ {
		switch slot := &t.slots[at%uint64(len(t.slots))]; *slot {
		case 0:
			*slot = sum | 1
			t.n++
			return true
		case sum | 1:
			return false
		}
	}
}

// lot is a generator that draws the same again from the same seed.
type lot = rand.Rand

func newLot(seed, which uint64) *lot {
	// #nosec: the same numbers again are the point.
	return rand.New(rand.NewPCG(seed, which))
}

// figures is what a replay counted.
type figures struct {
	Ops, Choices     int
	Images, Distinct int // choices that are another image with what was told; without that
	Failures         []string
	Took, Busy       time.Duration // by the clock, and of the processors
}

func (f *figures) add(g figures) {
	f.Ops, f.Choices, f.Images, f.Distinct = f.Ops+g.Ops, f.Choices+g.Choices, f.Images+g.Images, f.Distinct+g.Distinct
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
	if r.hands == 0 {
		r.hands = 2
	}
	for w := range r.hands {
		wait.Go(func() {
			work := &worker{replay: r, which: w, dir: filepath.Join(dir, fmt.Sprint("w", w)), disk: newDisk(), paths: map[int]string{}, tops: map[int]string{}}
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
	tops  map[int]string // of everything, by the top folder that it was made in
	n     int

	version int      // of the folders that keep all
	besides []string // what is told of them, at version asked
	asked   int

	digests digests // of this operation
	digest  string  // of this image with what is told of it
}

func (w *worker) step(n int, o op) error {
	switch {
	case o.Kind == note:
		w.told = append(w.told, strings.Split(o.Told, "\n")...)
	case (o.Kind == sync || o.Kind == syncFolder) && w.deaf != nil && n >= w.deafFrom && w.deaf(o):
	default:
		w.disk.apply(o)
		w.keep(o)
	}
	switch o.Kind {
	case create, link:
		w.paths[o.Ino] = o.Name
	case rename:
		w.paths[o.Ino] = o.Second
	}
	if n < w.skip || n%w.hands != w.which || w.from != "" && (len(w.told) == 0 || !strings.HasPrefix(w.told[len(w.told)-1], w.from)) {
		return nil
	}
	rng := newLot(w.seed, uint64(n))
	choices := w.disk.choices(rng, w.randoms)
	if w.rest != nil {
		for ino, blocks := range w.rest(w.paths, w.told) {
			for _, b := range blocks {
				choices = append(choices, choice{name: fmt.Sprintf("rotten %d.%d", ino, b), rotten: map[int]int{ino: b}})
			}
		}
	}
	if w.pick != nil {
		choices = w.pick(n, w.told, choices, rng)
	}
	if len(choices) == 0 {
		return nil
	}
	if w.beside != nil && w.asked != w.version {
		var err error
		if w.besides, err = w.beside(w.disk, w.version); err != nil {
			return err
		}
		w.asked = w.version
	}
	w.digests = digests{}
	for _, c := range choices {
		if err := w.one(n, o, c); err != nil {
			return err
		}
	}
	return nil
}

// keep makes durable at once what was done to a folder whose power is not cut.
func (w *worker) keep(o op) {
	if w.cut == "" {
		return
	}
	if o.Kind == create {
		if w.tops[o.Ino] = w.tops[o.Dir]; o.Dir == 0 {
			w.tops[o.Ino] = o.Name
		}
	}
	if w.tops[o.Ino] == w.cut {
		return
	}
	if f, ok := w.disk.files[o.Ino]; ok {
		f.flush()
	}
	w.disk.flushFolder(o.Dir)
	w.disk.flushFolder(o.To)
	w.version++
}

func (w *worker) one(n int, o op, c choice) error {
	name := fmt.Sprintf("%d/%s", n, c.name)
	if w.only != "" && w.only != name || w.whole && strings.HasPrefix(c.name, "garbage") {
		return nil
	}
	m := w.disk.image(c, w.cut)
	if w.raw {
		w.disk.addNameless(m, c)
	}
	if !w.first(m) {
		return nil
	}
	page := w.book.page(w.digest, n, c, w.seed)
	if w.judge == nil || w.book.passed(page) {
		return nil
	}
	for _, top := range w.with {
		maps.Copy(m, w.disk.image(choice{}, top))
	}
	w.n++
	dir := filepath.Join(w.dir + "-" + fmt.Sprint(w.n))
	err := m.lay(dir)
	if err != nil {
		return err
	}
	failure := ""
	if err := w.judged(dir); err != nil {
		failure = fmt.Sprintf("%s after the %s of operation %d: %v\n\trepeat: %sCRASH_SEED=%d CRASH_CASE=%q, the same test",
			c.name, kindNames[o.Kind], n, err, w.record, w.seed, name)
	}
	if err := w.book.write(page, failure); err != nil {
		return err
	}
	if failure != "" {
		w.Failures = append(w.Failures, failure)
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
	return w.judge(dir, w.telling())
}

// telling is what the judge is told of an image.
func (w *worker) telling() []string {
	if w.heed == nil {
		return append(slices.Clip(w.besides), w.told...)
	}
	all := slices.Clone(w.besides)
	for _, word := range w.told {
		if w.heed(word) {
			all = append(all, word)
		}
	}
	return all
}

// first tells whether this image, with what was told, was not judged before.
func (w *worker) first(m image) bool {
	sum, with := w.sums(m, w.telling())
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	w.Choices++
	if !w.seen.judged.add(with) {
		return false
	}
	w.Images++
	if w.seen.images.add(sum) {
		w.Distinct++
	}
	return true
}

// sums are of the image, and of it with what is told. Where desk and reader are part of
// it, they are cut from digests that are the same in every run.
func (w *worker) sums(m image, told []string) (sum, with uint64) {
	if len(w.with) == 0 {
		sum = m.sum()
		return sum, sum ^ maphash.String(hashSeed, strings.Join(told, "\n"))
	}
	all := w.digests.image(m)
	w.digest = withTold(all, told)
	return binary.LittleEndian.Uint64(all[:]), maphash.String(hashSeed, w.digest)
}
