package lab

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// form is one file system of the lab, in one of its forms.
type form struct {
	name    string
	size    int64
	program string   // that makes it
	options []string // of that program
	kind    string   // as mount(2) calls it
	data    string   // mount options
	over    bool     // an overlay, the files in its lower folder
	crypt   bool     // the files in an encrypted folder

	// best is the most that ours may report here.
	best wipe.Level
	// zero are the kinds of which ours may leave no word on the raw medium;
	// steps are those besides, once mediumSteps is on.
	zero, steps []kind
	// untold are the kinds of which ours leaves words without saying so, until
	// mediumSteps is on: a gap that is known.
	untold []kind
	// leaves are the kinds of which `rm` leaves words, or the lab sees nothing.
	leaves []kind
}

var afterwards = []kind{replaced, named, attr, link}

const mega = int64(1) << 20

var forms = []form{
	{
		name: "ext4 ordered", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-J", "size=16"}, kind: "ext4", data: "data=ordered",
		best: wipe.LevelClear, zero: inFiles, steps: afterwards, untold: []kind{attr}, leaves: []kind{content, logged, freed, replaced, named},
	},
	{
		name: "ext4 data=journal", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-J", "size=16"}, kind: "ext4", data: "data=journal",
		// Until the journal is emptied it holds the content, which the report does not say.
		best: wipe.LevelClear, steps: append(append([]kind{}, inFiles...), afterwards...),
		untold: append([]kind{attr}, inFiles...), leaves: []kind{content, logged, freed, replaced},
	},
	{
		// A file of a few bytes lies in its inode, so that its content goes through the
		// journal, and so do the first lines of a log.
		name: "ext4 inline_data", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-I", "256", "-O", "inline_data", "-J", "size=16"}, kind: "ext4",
		best: wipe.LevelClear, zero: []kind{former, freed}, steps: append([]kind{content, logged}, afterwards...), untold: []kind{attr}, leaves: []kind{content, logged, freed, replaced, named},
	},
	{
		name: "ext4 without journal", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-O", "^has_journal"}, kind: "ext4",
		best: wipe.LevelClear, zero: inFiles, steps: afterwards, untold: []kind{attr}, leaves: []kind{content, logged, freed, replaced},
	},
	{
		name: "xfs", size: 320 * mega, program: "mkfs.xfs", options: []string{"-q", "-f"}, kind: "xfs",
		best: wipe.LevelClear, zero: inFiles, steps: []kind{replaced}, untold: []kind{attr}, leaves: []kind{content, logged, freed, replaced, named},
	},
	{
		name: "btrfs", size: 320 * mega, program: "mkfs.btrfs", options: []string{"-q", "-f"}, kind: "btrfs",
		best: wipe.LevelLogical, untold: []kind{attr}, leaves: []kind{content, freed},
	},
	{
		name: "overlay on ext4", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-J", "size=16"}, kind: "ext4", over: true,
		best: wipe.LevelLogical, untold: []kind{attr}, leaves: []kind{content, logged, freed},
	},
	{
		// The key is removed before the files are; names and contents were never in the clear.
		name: "ext4 fscrypt", size: 192 * mega, program: "mkfs.ext4", options: []string{"-q", "-F", "-b", "4096", "-O", "encrypt", "-J", "size=16"}, kind: "ext4", crypt: true,
		best: wipe.LevelClear, zero: []kind{content, former, logged, freed, replaced, named, link}, steps: []kind{attr}, untold: []kind{attr},
	},
}

func formOf(t *testing.T, name string) form {
	t.Helper()
	for _, f := range forms {
		if f.name == name {
			return f
		}
	}
	t.Fatalf("there is no form %q", name)
	return form{}
}

// ground is a mounted file system with a folder to plant in.
type ground struct {
	form    form
	disk    *device
	mounts  []*mount // in the order of mounting
	root    string   // as a program sees it
	planted string   // where the planter works, which an overlay has below
}

// lay makes the file system on the disk and mounts it.
func (f form) lay(t *testing.T, disk *device) *ground {
	t.Helper()
	mustCall(t, f.program, append(append([]string{}, f.options...), disk.node)...)
	m := mountAt(t, f.kind, disk.node, f.data)
	g := &ground{form: f, disk: disk, mounts: []*mount{m}, root: m.dir, planted: m.dir}
	if f.over {
		g.planted = filepath.Join(m.dir, "lower")
		must(t, os.Mkdir(g.planted, 0o755))
	}
	if f.crypt {
		must(t, encrypt(m.dir, filepath.Join(m.dir, "app")))
	}
	return g
}

// cover lays the overlay over what was planted.
func (g *ground) cover(t *testing.T) {
	t.Helper()
	if !g.form.over {
		return
	}
	base := g.mounts[0].dir
	for _, name := range []string{"upper", "work"} {
		must(t, os.Mkdir(filepath.Join(base, name), 0o755))
	}
	m := mountAt(t, "overlay", "overlay", "lowerdir="+g.planted+",upperdir="+filepath.Join(base, "upper")+",workdir="+filepath.Join(base, "work"))
	g.mounts, g.root = append(g.mounts, m), m.dir
}

// sync flushes what was written, so that an erase begins with what a terminal has
// had on its medium for long.
func (g *ground) sync(t *testing.T) {
	t.Helper()
	fd, err := unix.Open(g.mounts[0].dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fd)
	must(t, unix.Syncfs(fd))
}

// leave unmounts everything, so that the medium holds all it will ever hold.
func (g *ground) leave(t *testing.T) {
	t.Helper()
	for i := len(g.mounts) - 1; i >= 0; i-- {
		must(t, g.mounts[i].off())
	}
	must(t, g.disk.settle())
}
