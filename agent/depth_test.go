package agent

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/wipe"
)

// Free space is given back once for each file system of a step, with the last
// target on it; every other target reaches its own blocks.
func TestFreeSpaceIsGivenBackOnce(t *testing.T) {
	root := t.TempDir()
	targets := func() (all []target) {
		for _, name := range []string{"a", "b", "c"} {
			all = append(all, target{class: profile.Logs, Target: wipe.Target{Name: name, Kind: "log", Root: root, Path: filepath.Join(root, name), Requested: wipe.LevelClear}})
		}
		all[1].Root, all[1].Path = "/proc/self/none", "/proc/self/none/b" // another home, or none
		return all
	}
	for setting, want := range map[string]string{
		"": "[  ]", DepthFiles: "[  ]", DepthBlocks: "[blocks blocks blocks]", DepthMedium: "[blocks medium medium]", "molten": "[  ]",
	} {
		a := New(Parts{Config: Config{Erase: Erase{Depth: setting}}, Sys: wipe.Kernel{}})
		all := targets()
		a.deepen(all, nil)
		var got []wipe.Depth
		for _, t := range all {
			got = append(got, t.Depth)
		}
		if shared := all[0].Samples != nil && all[0].Samples == all[2].Samples && all[0].Samples != all[1].Samples; shared != (setting == DepthMedium) {
			t.Errorf("%q: needles shared by those of one home: %v", setting, shared)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s", setting, got, want)
		}
	}
}

// A target that failed and is erased in a later try is the last one of its file
// system then: free space is given back after it, and searched for the needles of
// all, also of those that were done before.
func TestTheLastReallyErasedReachesTheMedium(t *testing.T) {
	a, root, targets := erasing(t, "first", "second", "third")
	a.Config.Erase.Depth = DepthMedium
	var at []string
	now := ""
	a.Moment = func(name string) { now = name }
	a.Sys = giving{trim: func() { at = append(at, now) }}
	if err := os.Rename(filepath.Join(root, "first"), filepath.Join(root, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "first"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../elsewhere", filepath.Join(root, "first", "way")); err != nil {
		t.Fatal(err)
	}
	targets[0].Path = filepath.Join(root, "first", "way", "f")
	// Its home is asked for before its erase meets the link.
	if err := try(t, a, targets); !errors.Is(err, errNotErased) {
		t.Fatal(err)
	}
	gathered := targets[2].Samples
	if gathered == nil || len(a.samples) != 1 {
		t.Fatalf("no needles are kept for the next try: %v", a.samples)
	}
	targets[0].Path = filepath.Join(root, "elsewhere", "f")
	if err := try(t, a, targets); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(at, " "); got != "wipe/third:trim wipe/first:trim" {
		t.Errorf("free space was given back at %s", got)
	}
	if targets[0].Samples != gathered || a.samples != nil {
		t.Errorf("the needles of those that were done before are not searched for, or stay behind: %v", a.samples)
	}
}

// giving is a kernel without a device, whose file system takes free space back.
type giving struct {
	wipe.Kernel
	trim func()
}

func (giving) OpenBlock(uint64, bool) (int, error) { return -1, unix.EPERM }
func (giving) Checkpoint(int, uint32) error        { return unix.ENODEV }
func (giving) SyncAll(int) error                   { return nil }
func (giving) Create(int, string) (int, error)     { return -1, unix.ENOSPC }
func (giving) MakeFolder(int, string) error        { return unix.ENOSPC }
func (g giving) Trim(int) (uint64, error)          { g.trim(); return 0, nil }

// A target that was cut after its last file went keeps the words for what its
// file system leaves behind, and for a second name.
func TestACutTargetKeepsItsResidue(t *testing.T) {
	b := begun{Items: 2, Bytes: 10, Leaves: []string{"names", "old-versions"}, Residual: []string{"hard-links"}, Did: didOverwrite}
	ev := wipe.Evidence{Technique: "absent", LevelAchieved: wipe.LevelClear, Verified: wipe.Pass, Residual: []string{}}
	b.merge(&ev)
	if got := strings.Join(ev.Residual, " "); got != "hard-links names old-versions" || ev.Items != 2 || ev.Technique == "absent" {
		t.Errorf("%+v", ev)
	}
}

// The dry run says by what a place would be erased and what is in the way, and
// names programs; the log names them too, the evidence does not.
func TestThePlanNamesWhatIsInTheWay(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "f")
	if err := os.WriteFile(path, bytes.Repeat([]byte("abcdefghijkl\n"), 500), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, filepath.Join(root, "second")); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	a := New(Parts{Sys: held{}, Log: zerolog.New(&said)})
	place := target{class: profile.Logs, Target: wipe.Target{Name: "logs-1", Kind: "log", Root: root, Path: path, Requested: wipe.LevelClear}}
	p := a.planTargets([]target{place})[0]
	if !slices.Contains(p.Rungs, "overwrite-random-1") || !slices.Equal(p.Holders, []string{"till (4711)"}) || p.Level != "logical" {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"1 files have another name; their content goes, that name stays", "1 of them can write back what was erased"} {
		if !slices.ContainsFunc(p.Notes, func(n local.Note) bool { return n.Text == want }) {
			t.Errorf("%q is not among %v", want, p.Notes)
		}
	}
	place.Held = a.nameHolder(place.Name)
	ev := wipe.Erase(t.Context(), held{}, place.Target, nil)
	if ev.LevelAchieved != wipe.LevelLogical || !slices.Contains(ev.Residual, "open-holders") || strings.Contains(fmt.Sprint(ev), "till") {
		t.Errorf("%+v", ev)
	}
	if !strings.Contains(said.String(), `"program":"till","pid":4711`) {
		t.Errorf("the log says %s", said.String())
	}
}

// held is the kernel with a program that has every file open to write.
type held struct{ wipe.Kernel }

func (held) Holders(targets ...string) ([]wipe.Holding, [][]wipe.Holding, bool, error) {
	lost := make([][]wipe.Holding, len(targets))
	st, err := wipe.Kernel{}.StatAt(-1, targets[0])
	h := wipe.Holding{Holder: wipe.Holder{PID: 4711, Program: "till", Writes: true}, Inode: wipe.Inode{Dev: st.Dev, Ino: st.Ino}}
	if err != nil {
		return nil, lost, false, nil // it is gone, and held no more
	}
	return []wipe.Holding{h}, lost, false, nil
}

// However many targets a plan has, all processes are looked through once.
func TestAPlanLooksThroughTheProcessesOnce(t *testing.T) {
	sys := &counting{}
	a := New(Parts{Sys: sys, Log: zerolog.Nop()})
	var all []target
	for range 5 {
		root := t.TempDir()
		if err := os.WriteFile(filepath.Join(root, "f"), []byte("abcdefghijkl"), 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, target{Target: wipe.Target{Name: "logs-1", Kind: "log", Root: root, Path: filepath.Join(root, "f"), Requested: wipe.LevelClear}})
	}
	if told := a.planTargets(all); len(told) != 5 || told[4].Items != 1 || sys.looks != 1 {
		t.Errorf("%d looks for %+v", sys.looks, told)
	}
}

// counting is the kernel with a count of the looks through all processes.
type counting struct {
	wipe.Kernel
	looks int
}

func (k *counting) Holders(targets ...string) ([]wipe.Holding, [][]wipe.Holding, bool, error) {
	k.looks++
	return k.Kernel.Holders(targets...)
}
