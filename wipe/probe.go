package wipe

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Probe is what is known of the place of a target before it is touched. What
// could not be found out is left at its zero value, which allows nothing.
type Probe struct {
	Type    string  // the file system's
	Mount   Mount   // the one that the place was reached through
	Block   Block   // under the file system; its number is 0 where there is none
	Kernel  Version // 0.0 if it did not say
	Admin   bool    // this process has CAP_SYS_ADMIN
	Journal string  // what ext4 writes to its journal: "metadata", "data", or "" elsewhere
	CoW     bool    // an overwrite goes to other blocks
	Reflink bool    // files can share blocks
	Bind    bool    // the mount shows a part of a file system
	Layers  string  // of an overlay: the folders that hold what is shown, upper first

	CanRaw        bool // a file's extents are places on the block device
	CanDiscard    bool // the device takes a discard
	CanZero       bool // the device writes zeros that it need not be sent
	CanCheckpoint bool // the journal can be emptied, or there is none
	Nameless      bool // a plan saw content of the target that lost its name and is held open
}

// String tells a person what lies there.
func (b Probe) String() string {
	if b.Block.Name == "" {
		return b.Type
	}
	return fmt.Sprintf("%s on %s (%s)", b.Type, b.Block.Name, b.Block.Kind)
}

// Block is a block device.
type Block struct {
	Dev         uint64
	Name        string // the kernel's: mmcblk0p3
	Kind        string // emmc, sd, nvme, loop, mapped, or disk
	Rotational  bool
	DiscardMax  uint64 // bytes of one discard; 0: it takes none
	ZeroMax     uint64 // bytes of zeros that it writes at once without being sent them; 0: none
	Granularity uint64 // what it forgets at least, in bytes
}

// Version is a kernel's, as far as it decides what a call does.
type Version struct{ Major, Minor int }

// parseVersion reads the beginning of what uname(2) calls the release.
func parseVersion(release string) Version {
	var v Version
	major, rest, _ := strings.Cut(release, ".")
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		rest = rest[:end]
	}
	var err1, err2 error
	v.Major, err1 = strconv.Atoi(major)
	v.Minor, err2 = strconv.Atoi(rest)
	if err1 != nil || err2 != nil || v.Major < 0 {
		return Version{}
	}
	return v
}

func (v Version) atLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// probe finds out about the folder that the place has open.
func probe(sys Sys, p *place) (Probe, error) {
	all, err := sys.Mounts()
	if err != nil {
		return Probe{}, fmt.Errorf("cannot read the mounts: %w", err)
	}
	mounts, err := parseMounts(all)
	if err != nil {
		return Probe{}, fmt.Errorf("cannot read the mounts: %w", err)
	}
	b := Probe{Type: p.fs.name}
	if i := slices.IndexFunc(mounts, func(m Mount) bool { return m.ID == p.mount }); i >= 0 {
		b.Mount = mounts[i]
	}
	if release, err := sys.Release(); err == nil {
		b.Kernel = parseVersion(release)
	}
	if admin, err := sys.Admin(); err == nil {
		b.Admin = admin
	}
	b.Block = blockOf(sys, p.dev)
	b.CanCheckpoint = p.fs.name == "ext4" && checkpointable(sys.Checkpoint(p.fd, checkpointDry|checkpointZeroes))
	b.derive()
	return b, nil
}

// checkpointable says by the answer to a dry run whether a checkpoint will do
// what it is for. A file system without a journal has nothing to empty.
func checkpointable(err error) bool { return err == nil || errors.Is(err, unix.ENODEV) }

// rawFilesystems are those whose extents are places on the one device under
// them. btrfs tells addresses of its own, which on the device are somebody
// else's data.
var rawFilesystems = []string{"ext4", "xfs", "f2fs"}

// derive draws what follows from the facts alone.
func (b *Probe) derive() {
	_, realtime := b.Mount.option("rtdev")
	b.CanRaw = slices.Contains(rawFilesystems, b.Type) && unix.Major(b.Block.Dev) != 0 && !realtime
	b.CanDiscard = b.CanRaw && b.Block.DiscardMax > 0
	b.CanZero = b.CanRaw && b.Type != "f2fs" && b.Block.ZeroMax > 0
	b.Bind = b.Mount.Root != "" && b.Mount.Root != "/"
	b.CoW = slices.Contains([]string{"btrfs", "overlayfs", "ubifs"}, b.Type)
	b.Reflink = slices.Contains([]string{"btrfs", "xfs"}, b.Type)
	if b.Type == "ext4" {
		b.Journal = "metadata"
		if mode, ok := b.Mount.option("data"); ok && mode == "journal" {
			b.Journal = "data"
		}
	}
	for _, name := range []string{"upperdir", "lowerdir"} {
		if layer, ok := b.Mount.option(name); ok {
			b.Layers = strings.Trim(b.Layers+":"+layer, ":")
		}
	}
}

// blockOf reads what sysfs says about a device; nothing of it is needed, and
// what is missing only leaves a rung out.
func blockOf(sys Sys, dev uint64) Block {
	b := Block{Dev: dev}
	if unix.Major(dev) == 0 {
		return b
	}
	fact := func(name string) string {
		text, err := sys.Fact(dev, name)
		if err != nil {
			return ""
		}
		return text
	}
	b.Name = deviceName(fact("uevent"))
	b.Kind = deviceKind(b.Name, fact("device/type"))
	b.Rotational = fact("queue/rotational") == "1"
	b.DiscardMax = number(fact("queue/discard_max_bytes"))
	b.ZeroMax = number(fact("queue/write_zeroes_max_bytes"))
	b.Granularity = number(fact("queue/discard_granularity"))
	return b
}

// deviceName finds the name in a device's uevent file. It becomes part of a
// path, so that one with a slash to climb by is none.
func deviceName(event string) string {
	for line := range strings.Lines(event) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVNAME="); ok && name != "" && !strings.Contains(name, "..") {
			return name
		}
	}
	return ""
}

func deviceKind(name, typ string) string {
	switch {
	case strings.HasPrefix(name, "mmcblk") && typ == "SD":
		return "sd"
	case strings.HasPrefix(name, "mmcblk"):
		return "emmc"
	case strings.HasPrefix(name, "nvme"):
		return "nvme"
	case strings.HasPrefix(name, "loop"):
		return "loop"
	case strings.HasPrefix(name, "dm-"):
		return "mapped"
	case name == "":
		return ""
	}
	return "disk"
}

// number is 0 for what is none.
func number(text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
