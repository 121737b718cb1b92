package keys

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// torn is a page of which only some sectors were written.
func torn(before, after []byte, sectors uint8) []byte {
	page := bytes.Clone(before)
	for i := range slotSize / 512 {
		if sectors&(1<<i) != 0 {
			copy(page[i*512:(i+1)*512], after[i*512:])
		}
	}
	return page
}

// A slot write of which any set of sectors arrives leaves the older generation
// or the newer one, never none and never a mixture.
func TestATornSlotWriteLeavesOneGeneration(t *testing.T) {
	s, dir := mustCreate(t)
	if err := s.SealPreimage([32]byte{1}, nil); err != nil {
		t.Fatal(err)
	}
	path := Identity.file(box).path(dir)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SealPreimage([32]byte{2}, nil); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := slotAt[0]
	if bytes.Equal(before[at:at+slotSize], after[at:at+slotSize]) {
		at = slotAt[1]
	}
	older, newer := 0, 0
	for sectors := range 256 {
		file := bytes.Clone(before)
		copy(file[at:], torn(before[at:at+slotSize], after[at:at+slotSize], uint8(sectors)))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, dir)
		r, err := again.OpenPreimage(nil)
		switch {
		case err == nil && r == [32]byte{1} && again.Has(Identity):
			older++
		case err == nil && r == [32]byte{2} && again.Has(Identity):
			newer++
		default:
			t.Fatalf("sectors %08b arrived: %x, %v", sectors, r[:1], err)
		}
	}
	if older != 255 || newer != 1 {
		t.Fatalf("%d older, %d newer", older, newer)
	}
}

// A write goes to the slot that is not the newest, and every key file keeps its
// inode and its size for ever.
func TestSlotsTakeTurnsInPlace(t *testing.T) {
	s, dir := mustCreate(t)
	path := Identity.file(box).path(dir)
	first, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(1); want < 6; want++ {
		secret, generation, next, err := s.newest(Identity.file(box))
		secret.Wipe()
		if err != nil || generation != want || next != int(want%2) {
			t.Fatalf("generation %d, then slot %d, %v; want generation %d", generation, next, err, want)
		}
		if err := s.SealPreimage([32]byte{byte(want)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	last, err := os.Stat(path)
	if err != nil || !os.SameFile(first, last) || last.Size() != fileSize {
		t.Fatalf("the file was replaced or resized (%v)", err)
	}
}

// A key file is full of written blocks before it holds a key: it has no hole and
// no block that is only reserved.
func TestAKeyFileHasNoUnwrittenBlock(t *testing.T) {
	dir := t.TempDir()
	s := newStore(dir, newStream("s", 0))
	if err := s.prepare(1); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file(1).path(dir))
	if err != nil || len(b) != fileSize {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	for at := 0; at < fileSize; at += 512 {
		if bytes.Equal(b[at:at+512], make([]byte, 512)) {
			t.Fatalf("nothing was written at %d", at)
		}
	}
}

// Where direct input and output is refused, the page cache and an fsync do it,
// and that is told.
func TestWithoutDirectWritesItIsTold(t *testing.T) {
	s, _ := mustCreate(t)
	f, tries := Data.file(root), 0
	err := s.past(f, os.O_RDONLY, func(h *os.File) error {
		tries++
		flags, err := unix.FcntlInt(h.Fd(), unix.F_GETFL, 0)
		if err != nil || flags&unix.O_DIRECT != 0 {
			return errors.Join(unix.EINVAL, err)
		}
		return nil
	})
	if err != nil || len(s.Told()) == 0 {
		t.Fatalf("%v after %d tries, told %q", err, tries, s.Told())
	}
}

func TestMediumIsToldAsWhatItIs(t *testing.T) {
	for _, c := range []struct {
		name              string
		magic             int64
		journalled, nocow bool
		logical           bool
	}{
		{"ext4", unix.EXT4_SUPER_MAGIC, false, false, false},
		{"ext4 that journals data", unix.EXT4_SUPER_MAGIC, true, false, true},
		{"xfs", unix.XFS_SUPER_MAGIC, false, false, false},
		{"btrfs", unix.BTRFS_SUPER_MAGIC, false, false, true},
		{"btrfs without copy on write", unix.BTRFS_SUPER_MAGIC, false, true, false},
		{"overlayfs", unix.OVERLAYFS_SUPER_MAGIC, false, true, true},
		{"one that nobody knows", 42, false, true, true},
	} {
		if m := judge(c.magic, c.journalled, c.nocow); m.Logical != c.logical || m.Why == "" {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
	mounts := "36 35 8:1 / / rw - ext4 /dev/sda1 rw\n37 35 7:9 / /t rw,relatime - ext4 /dev/loop9 rw,data=journal\n"
	if journalsData(mounts, "8:1") || !journalsData(mounts, "7:9") || journalsData(mounts, "1:1") {
		t.Error("data=journal is not seen on the right device")
	}
	if _, err := MediumOf(t.TempDir() + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no store: %v", err)
	}
}
