package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// What no inventory may lead to is refused with nothing changed, and what goes
// wrong behind the point of no return is told by target; either way everything
// outside the inventory is the same afterwards, by name, mode, time and content.

// usual is the inventory of every world.
func (w *world) usual() []string {
	return []string{w.path("pos/data"), w.path("pos/export-*.csv"), w.path("pos/log"), w.path("pos/operator.pin"), w.path("pos/bin")}
}

// planRefuses demands that the dry run names the inventory as what is in the way,
// and what it is.
func (w *world) planRefuses(what, why string) {
	w.t.Helper()
	plan, err := w.client().Plan(w.t.Context(), "rebind-standard")
	if err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
	if !slices.ContainsFunc(plan.Blockers, func(b local.Error) bool { return b.Code == "E17:inventory" && strings.Contains(b.Message, why) }) {
		w.t.Errorf("%s: the plan says %+v, not %q", what, plan.Blockers, why)
	}
}

// theToolSays demands the same of the tool, in a language of its own.
func (w *world) theToolSays(what string) {
	w.t.Helper()
	out, problems, code := w.tool("--lang", "zh", "plan", "--profile", "rebind-standard")
	if code != 3 || !strings.Contains(out+problems, "E17:inventory") || !strings.Contains(out, what) {
		w.t.Errorf("unbindctl plan ends with %d, does not say %q:\n%s%s", code, what, out, problems)
	}
}

// warnsOfRoots demands that the enrolment and the check of the settings named the
// place, which the daemon's log does not.
func (w *world) warnsOfRoots(path string) {
	w.t.Helper()
	var checked strings.Builder
	code := execute([]string{"check", "--config", w.path("unbindd.yaml")}, &checked, io.Discard)
	for what, said := range map[string]string{"the enrolment": w.enrolled, "the check": checked.String()} {
		if code != exitDone || strings.Count(said, "Warning: ") != 1 || !strings.Contains(said, w.path(path)+" (place 6 of the inventory of profile rebind-standard, retire-standard)") || !strings.Contains(said, "add "+filepath.Dir(w.path(path))+" to erase.roots") {
			w.t.Errorf("%s (%d) says: %s", what, code, said)
		}
	}
	if strings.Contains(w.daemon.said(), w.path(path)) {
		w.t.Error("the daemon's log names the place")
	}
}

// An inventory that names anything outside the roots is refused before anything is touched.
func TestAnInventoryOutsideTheRootsIsRefused(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"outside the roots": "out/victim", "the root itself": "pos", "a name that begins like the root": "pos-2/victim",
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 5, plain: true, inventory: func(w *world) []string {
				return []string{"app-data=" + w.dir + "/" + path}
			}})
			w.decoys()
			w.plant("pos-2/victim")
			folders := []string{w.path("pos"), w.path("out"), w.path("pos-2")}
			before := w.everything(folders, nil)
			s := w.client()
			w.startDaemon()
			w.traded(5)
			at, err := s.Status(t.Context())
			w.no(err)
			w.planRefuses(name, "place 6 of the inventory, "+w.path(path)+", is outside erase.roots")
			w.warnsOfRoots(path)
			w.refuses(w.order(w.draft()), "E17:inventory")
			w.untouched(at)
			w.nothingErased()
			w.same(before, folders, nil, name)
		})
	}
}

// bad is one thing wrong with a place of the inventory: planted, and taken away.
type bad struct {
	name  string
	plant func()
	undo  func()
	why   string // what the plan says of it
}

// hidden is the world of the bad places: further places, one for each thing that
// can be wrong.
type hidden struct {
	*world
	folders   []string
	inventory []string
}

const (
	wayTarget, roadTarget, laneTarget, diskTarget, closedTarget = "app-data-6", "app-data-7", "app-data-8", "app-data-9", "app-data-10"
	specialTarget, pipeTarget, swapTarget, emptyTarget          = "logs-11", "logs-12", "exports-13", "exports-14"
)

func newHidden(t *testing.T) *hidden {
	t.Helper()
	w := newWorld(t, options{sales: 20, plain: true, roots: func(w *world) []string { return []string{w.path("disk"), w.path("closed")} }, inventory: func(w *world) []string {
		return []string{
			"app-data=" + w.path("pos/way/to/victim"), "app-data=" + w.path("pos/road/to/victim"), "app-data=" + w.path("pos/lane/to/*"),
			"app-data=" + w.path("disk/data"), "app-data=" + w.path("closed/data"),
			"logs=" + w.path("pos/special"), "logs=" + w.path("pos/pipe"), "exports=" + w.path("pos/swap.csv"), "exports=" + w.path("pos/none-*"),
		}
	}})
	w.wait *= 5 // a target that fails is tried five times
	h := &hidden{world: w, folders: []string{w.path("pos"), w.path("out"), w.path("disk")}}
	h.inventory = append(w.usual(), w.path("pos/special"), w.path("pos/pipe"), w.path("pos/swap.csv"))
	w.decoys()
	for _, name := range []string{"pos/way/to/victim", "pos/road/to/victim", "pos/lane/to/victim", "pos/lane/to/.dot", "pos/special/f", "pos/swap.csv"} {
		w.plant(name)
	}
	w.no(os.MkdirAll(w.path("disk"), 0o755))
	w.no(unix.Mount("tmpfs", w.path("disk"), "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { w.no(unix.Unmount(w.path("disk"), unix.MNT_DETACH)) })
	w.plant("disk/data/f")
	w.plant("closed/data/f")
	h.special()
	if os.Geteuid() == 0 { // root may enter everything, unless it is taken from it
		w.under = []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"}
	}
	return h
}

// special is what is no file: a pipe, a socket's like, a device, links.
func (h *hidden) special() {
	h.no(unix.Mkfifo(h.path("pos/special/pipe"), 0o600))
	h.no(unix.Mkfifo(h.path("pos/pipe"), 0o600))
	h.no(os.Symlink(h.path("out"), h.path("pos/special/way")))
	h.no(os.Symlink(h.path("out/victim"), h.path("pos/special/file")))
	if err := unix.Mknod(h.path("pos/special/device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil && os.Geteuid() == 0 {
		h.t.Logf("no device node can be made here: %v", err)
	}
}

// link puts a link in the place of a folder; the folder stays beside it.
func (h *hidden) link(at, to string) bad {
	path := h.path(at)
	return bad{"a link for " + at, func() {
		h.no(os.Rename(path, path+".real"))
		h.no(os.Symlink(h.path(to), path))
	}, func() {
		h.no(os.Remove(path))
		h.no(os.Rename(path+".real", path))
	}, "a link or a file stands where a folder should be"}
}

func (h *hidden) mount(at string) bad {
	return bad{"another file system at " + at, func() {
		h.no(unix.Mount("tmpfs", h.path(at), "tmpfs", 0, "size=64k"))
		h.plant(at + "/victim")
	}, func() { h.no(unix.Unmount(h.path(at), 0)) }, "another file system is mounted in it"}
}

func (h *hidden) readOnly() bad {
	set := func(flags uintptr) func() {
		return func() { h.no(unix.Mount("", h.path("disk"), "", unix.MS_REMOUNT|flags, "")) }
	}
	return bad{"a read-only file system", set(unix.MS_RDONLY), set(0), "mounted read-only"}
}

// noRights takes the right to enter: the daemon has none beyond what modes give.
func (h *hidden) noRights() bad {
	set := func(mode os.FileMode) func() { return func() { h.no(os.Chmod(h.path("closed"), mode)) } }
	return bad{"no permission", set(0), set(0o755), "no right to"}
}

// A link at any component of a path, another file system, a read-only one and a
// missing permission refuse the command, name the place in the plan, and change
// nothing; what is planted between acceptance and inspect ends the command; and
// after that it is told by target in the certificate. A pipe, a device and a link
// as such lose their names; a file that is exchanged while it is erased is told.
// Nothing outside the inventory is touched.
func TestBadPlacesAreRefusedOrToldAndNothingElseIsTouched(t *testing.T) {
	t.Parallel()
	onASmallDisk(t, func(t *testing.T) {
		h := newHidden(t)
		h.startDaemon("check-papers:worked#1", "erase-data:starting", "wipe/"+swapTarget+":truncate#1")
		h.traded(20)
		h.refusedEarly()
		h.endedAtInspect()
		h.toldInTheCertificate()
	})
}

func (h *hidden) refusedEarly() {
	h.t.Helper()
	at, err := h.client().Status(h.t.Context())
	h.no(err)
	before := h.everything(h.folders, nil)
	order := h.draft()
	for i, c := range []bad{
		h.link("pos/way", "out"), h.link("pos/way/to", "out"), h.link("pos/lane/to", "out"), h.link("closed", "out"), h.mount("pos/lane/to"), h.mount("pos/special"), h.readOnly(), h.noRights(),
	} {
		c.plant()
		h.planRefuses(c.name, c.why)
		if i == 0 {
			h.theToolSays("不会经由它擦除")
		}
		h.refuses(h.order(bent(order, func(o *command.Command) { o.ID += envelope.ID(fmt.Sprint("-", i)) })), "E17:inventory")
		if now := h.until("trading", func(s local.Status) bool { return s.Mode == local.Trading }); caseOf(now) != caseOf(at) {
			h.t.Errorf("%s: the case is %q", c.name, caseOf(now))
		}
		h.nothingErased()
		c.undo()
		h.sameButTimes(before, c.name)
	}
}

// sameButTimes leaves the times of folders out, which planting itself changes.
func (h *hidden) sameButTimes(before map[string]string, what string) {
	h.t.Helper()
	strip := func(all map[string]string) map[string]string {
		out := map[string]string{}
		for path, print := range all {
			if strings.HasPrefix(print, "4") { // a folder's mode
				print = "folder"
			}
			out[path] = print
		}
		return out
	}
	if after := strip(h.everything(h.folders, nil)); !maps.Equal(after, strip(before)) {
		h.t.Errorf("%s: what is there changed: %v, was %v", what, after, before)
	}
}

func (h *hidden) endedAtInspect() {
	h.t.Helper()
	before := h.everything(h.folders, nil)
	h.issueAnew()
	h.publish(h.sign(h.path("command.json"), "ops-1", "sec-1"))
	h.daemon.sign("paused check-papers:worked")
	c := h.link("pos/way/to", "out")
	c.plant()
	h.daemon.goOn()
	h.fails("E17:inventory")
	c.undo()
	h.sameButTimes(before, "ended at inspect")
}

func (h *hidden) toldInTheCertificate() {
	h.t.Helper()
	h.sells()
	h.settles()
	h.issueAnew()
	h.publish(h.sign(h.path("command.json"), "ops-1", "sec-1"))
	h.daemon.sign("paused erase-data:starting")
	late := []bad{h.link("pos/way", "out"), h.link("pos/road/to", "out/to"), h.mount("pos/lane/to"), h.readOnly(), h.noRights()}
	for _, c := range late {
		c.plant()
	}
	before := h.everything(h.folders, h.inventory)
	h.daemon.goOn()
	h.daemon.sign("paused wipe/" + swapTarget + ":truncate")
	h.no(os.Remove(h.path("pos/swap.csv")))
	h.no(os.Symlink(h.path("out/victim"), h.path("pos/swap.csv")))
	h.daemon.goOn()
	h.until("quarantine", func(s local.Status) bool {
		return s.Case != nil && s.Case.Receipted && s.Case.Result == certificate.Partial
	})
	h.same(before, h.folders, h.inventory, "after the erase")
	h.told(h.certificate().Predicate)
	for _, c := range slices.Backward(late) {
		c.undo()
	}
	if b, err := os.ReadFile(h.path("closed/data/f")); err != nil || !strings.Contains(string(b), canary) {
		h.t.Errorf("what may not be entered was touched: %v", err)
	}
	h.closeBySignature()
	h.unbound()
}

// told holds the certificate against what was planted.
func (h *hidden) told(p certificate.Predicate) {
	h.t.Helper()
	for target, reason := range map[string]string{
		wayTarget: "a link or a file stands where a folder should be", roadTarget: "a link or a file stands where a folder should be",
		laneTarget: "another file system is mounted in it", diskTarget: "(EROFS)", closedTarget: "(EACCES)",
	} {
		m := h.medium(p, target)
		if m.Verified == certificate.Pass || m.LevelAchieved != "none" || !strings.Contains(m.Reason, reason) || !slices.Contains(p.Software.Residue, target) {
			h.t.Errorf("%s: %+v; residue %v; want %q", target, m, p.Software.Residue, reason)
		}
	}
	for target, want := range map[string]struct {
		items int64
		word  string
	}{specialTarget: {5, ""}, pipeTarget: {1, ""}, swapTarget: {1, "exchanged"}, emptyTarget: {0, ""}, "app-data-1": {5, ""}} {
		m := h.medium(p, target)
		if m.Verified != certificate.Pass || m.Items < want.items || want.word != "" && !slices.Contains(m.Residual, want.word) {
			h.t.Errorf("%s: %+v", target, m)
		}
	}
	if m := h.medium(p, emptyTarget); m.Technique != "absent" || m.Items != 0 {
		h.t.Errorf("a pattern that matches nothing is told as %+v", m)
	}
	for _, place := range p.Copies.Places {
		if place.Name == "app-data-1" && (place.Items != 5 || place.Left != 0 || place.Bytes == 0) {
			h.t.Errorf("before and after: %+v", place)
		}
		if slices.Contains([]string{wayTarget, closedTarget}, place.Name) && !place.Unseen || place.Name == diskTarget && place.Left != 2 {
			h.t.Errorf("before and after: %+v", place)
		}
	}
}

func (h *hidden) medium(p certificate.Predicate, name string) certificate.Medium {
	h.t.Helper()
	for _, m := range p.Media {
		if m.Name == name {
			return m
		}
	}
	h.t.Errorf("the certificate has nothing of %s", name)
	return certificate.Medium{}
}
