//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	gosync "sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// carrier carries an image to its end with the real programs: each in a process
// with mounts, a network and process numbers of its own, so that the terminal lies
// where it lived, finds the desk where it was, and looks for who holds its files
// open among those who take part and nowhere else. An image is over long before
// its programs have made much garbage, so that none of it is collected.
func (s *scene) carrier(t testing.TB) func(dir string, told []string) error {
	t.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = os.MkdirAll(s.paper(runsFolder), 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"CRASH_CARRY=" + string(text), "GOGC=off", "GOMEMLIMIT=256MiB"}
	return foreign{binary: os.Args[0], env: env, attr: ownNames(true)}.judge(t)
}

// runsFolder is where a carrier has a folder in memory for what each image needs besides.
const runsFolder = "run"

// carryForLab is the other side of it.
func carryForLab(text string, in io.Reader, out io.Writer) error {
	var s scene
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	if err := errors.Join(loopback(),
		syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""),
		syscall.Mount("crashlab", s.paper(runsFolder), "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0700")); err != nil {
		return err
	}
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question []string
		if err := questions.Decode(&question); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		verdict := ""
		if err := s.carryAt(question[0], question[1:]); err != nil {
			verdict = err.Error()
		}
		if err := answers.Encode(verdict); err != nil {
			return err
		}
	}
}

// loopback switches on the one interface of a new network.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

func (s *scene) carryAt(image string, told []string) error {
	own, err := os.MkdirTemp(s.paper(runsFolder), "")
	if err != nil {
		return err
	}
	if err := syscall.Mount(image, s.At, "", syscall.MS_BIND, ""); err != nil {
		return err
	}
	run := *s // of its own, so that nothing of the image before is left in it
	run.own, run.unbindd, run.command = own, "unbindd", s.paper("command.json")
	err = run.carryOn(told)
	if err != nil {
		err = errors.Join(err, errors.New(run.said()))
	}
	run.end()
	return errors.Join(err, syscall.Unmount(s.At, syscall.MNT_DETACH), os.RemoveAll(own))
}

// said is what the programs logged, for whoever reads a failure.
func (s *scene) said() string {
	var all []string
	for _, p := range []*program{s.daemon, s.desk, s.reader, s.signer} {
		if p != nil {
			all = append(all, p.said())
		}
	}
	return strings.Join(all, "\n")
}

// carryOn brings the power back. What people and the reader had not done yet is
// done; then the case must come to its end.
func (s *scene) carryOn(told []string) error {
	was := func(word string) bool { return slices.Contains(told, word) }
	acts := []func() error{s.configure, func() error { return s.startOthers(strings.TrimPrefix(s.URL, "https://")) }}
	if !was(enrolledWord) {
		acts = append(acts, s.enrol)
	}
	acts = append(acts, s.startDaemon)
	if !was(tradedWord) {
		acts = append(acts, s.sellOut, s.traded)
	}
	if !was(publishedWord) {
		acts = append(acts, func() error { return s.orderAndPublish(was(orderedWord)) })
	}
	for _, act := range append(acts, s.unbound, s.proven) {
		if err := act(); err != nil {
			return err
		}
	}
	return nil
}

// What had been done of that when the power went.
var doneWords = []string{enrolledWord, tradedWord, orderedWord, publishedWord}

// withOthers makes desk and reader part of every image. One is equal to another, and
// judged once, where everything in it is and the same of doneWords was told: nothing
// else is known to whoever carries it on.
func (r *replay) withOthers() *replay {
	r.with = []string{"desk", "reader"}
	r.heed = func(word string) bool { return slices.Contains(doneWords, word) }
	var mu gosync.Mutex
	known := map[int][]string{} // the same for every hand
	r.beside = func(d *disk, version int) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		if known[version] == nil {
			for _, top := range r.with {
				known[version] = append(known[version], withTold(digests{}.image(d.image(choice{}, top)), []string{top}))
			}
		}
		return known[version], nil
	}
	return r
}

// orderAndPublish makes a command where the desk has none yet. One that the desk
// was about to hand out when the power went lies among the papers.
func (s *scene) orderAndPublish(ordered bool) error {
	if !ordered {
		recorded := s.command
		s.command = filepath.Join(s.own, "command.json")
		if s.order() != nil {
			s.command = recorded
		}
	}
	return s.publish()
}

// pickSome takes so many images by lot, of every kind of loss, and at least one
// between any two things that the daemon told. With 0, as in a test run, it is one
// between every second two: each costs seconds.
func pickSome(t testing.TB, tr trace, seed uint64, many int) func(int, []string, []choice, *lot) []choice {
	t.Helper()
	groups := map[string][]int{}
	var order []string
	var ops []int
	said, planted := "", false
	if err := tr.each(func(n int, o op) error {
		if o.Kind == note {
			said, planted = o.Told, planted || o.Told == plantedWord
		}
		if !planted {
			return nil
		}
		if _, ok := groups[said]; !ok {
			order = append(order, said)
		}
		groups[said], ops = append(groups[said], n), append(ops, n)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	rng := newLot(seed, 7)
	wanted := map[int]int{}
	for i, said := range order {
		if many == 0 && i%2 == 1 {
			continue
		}
		wanted[groups[said][rng.IntN(len(groups[said]))]]++
	}
	for n := len(order); n < many; n++ {
		wanted[ops[rng.IntN(len(ops))]]++
	}
	return func(n int, _ []string, all []choice, rng *lot) (out []choice) {
		for range wanted[n] {
			kind := kindOf(all[rng.IntN(len(all))])
			same := slices.DeleteFunc(slices.Clone(all), func(c choice) bool { return kindOf(c) != kind })
			out = append(out, same[rng.IntN(len(same))])
		}
		return out
	}
}

// kindOf is the first word of a choice's name.
func kindOf(c choice) string {
	kind, _, _ := strings.Cut(c.name, " ")
	return kind
}

// counted prints the failures by what they are, in the words of the claim.
func counted(f figures) string {
	words := []struct{ is, said string }{
		{lostWord, "lost acknowledged transactions"}, {chainWord, "chain breaks"}, {unreadableWord, "unreadable ledgers"}, {twiceWord, "double reader erases"},
		{earlyWord, "erases without a verified receipt"}, {claimWord, "certificates that say more than was done"}, {unfinishedWord, "cases that cannot be finished"},
	}
	var out []string
	rest := slices.Clone(f.Failures)
	for i, w := range words {
		left := slices.DeleteFunc(slices.Clone(rest), func(s string) bool { return strings.Contains(s, w.is) })
		n := len(rest) - len(left)
		if rest = left; i == len(words)-1 {
			n += len(rest) // whatever else went wrong, that case did not end
		}
		out = append(out, fmt.Sprintf("%s %d", w.said, n))
	}
	return strings.Join(out, ", ")
}
