package keys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inMemory names the store that the child below holds.
const inMemory = "UNBINDD_KEYS_IN_MEMORY"

// TestHoldKeys is the child of the test below: it holds a store's keys, one of
// them in use by a cipher, then forgets them, and says so each time.
func TestHoldKeys(t *testing.T) {
	dir := os.Getenv(inMemory)
	if dir == "" {
		t.Skip("it is the child of another test")
	}
	s := mustOpen(t, dir)
	in := bufio.NewReader(os.Stdin)
	fmt.Printf("held %t\n", len(s.Told()) == 0)
	_, _ = in.ReadString('\n')
	for _, c := range classes {
		s.Forget(c)
	}
	runtime.GC()
	runtime.GC()
	debug.FreeOSMemory()
	fmt.Println("forgotten")
	_, _ = in.ReadString('\n')
}

// Another process that may read all of this one's memory finds each key once
// while it is held, in memory that is locked and no part of a core dump, and not
// at all after Forget. A key that a cipher was made of is another matter: the
// cipher's copy is beyond reach, and cmd/unbindd's own test shows that the new
// image of the process has none. The same holds for a key whose length is no
// multiple of 16, of which the cipher leaves a copy when it unwraps it, and for the
// device's seed.
func TestAnotherProcessFindsNoForgottenKey(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may look into another process's memory")
	}
	s, dir := mustCreate(t)
	if err := s.SetPairing(NewSecret(bytes.Repeat([]byte("pairing!"), 4))); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestHoldKeys$", "-test.v")
	child.Env = append(os.Environ(), inMemory+"="+dir)
	in, err1 := child.StdinPipe()
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(in.Close(), child.Wait()); err != nil {
			t.Error(err)
		}
	}()
	said := bufio.NewScanner(out)
	until(t, said, "held ")
	before := s.copiesIn(t, child.Process.Pid)
	if _, err := fmt.Fprintln(in); err != nil {
		t.Fatal(err)
	}
	until(t, said, "forgotten")
	after := s.copiesIn(t, child.Process.Pid)
	t.Logf("copies held %v, forgotten %v", before, after)
	for _, n := range []name{dataName, pairingName, tlsName, kekName} {
		if before[n] != 1 || after[n] != 0 {
			t.Errorf("key %d: %d copies while it is held, %d after it was forgotten", n, before[n], after[n])
		}
	}
	_, _ = fmt.Fprintln(in)
}

func until(t *testing.T, said *bufio.Scanner, begins string) {
	t.Helper()
	for said.Scan() {
		if strings.Contains(said.Text(), begins) {
			return
		}
	}
	t.Fatalf("the child never said %q", begins)
}

func (s *Store) copiesIn(t *testing.T, pid int) map[name]int {
	t.Helper()
	maps, err1 := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	mem, err2 := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found := map[name]int{}
	for _, r := range regions(string(maps)) {
		b := make([]byte, r.to-r.from)
		n, err := mem.ReadAt(b, r.from)
		if err != nil && !errors.Is(err, unix.EIO) {
			t.Fatal(err)
		}
		for k, secret := range s.held {
			hits := bytes.Count(b[:n], secret.Bytes())
			if found[k] += hits; hits > 0 && k != deviceName && !(strings.Contains(r.flags, " dd") && strings.Contains(r.flags, " lo")) {
				t.Errorf("key %d lies in memory that can be dumped or swapped:%s", k, r.flags)
			}
		}
	}
	return found
}

type region struct {
	from, to int64
	flags    string
}

// regions are the resident, readable parts of a process, with the kernel's own
// words about them: "lo" is locked, "dd" left out of dumps.
func regions(smaps string) (all []region) {
	var r region
	resident := false
	for line := range strings.Lines(smaps) {
		var from, to uint64
		var may string
		var kib int
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &may); n == 3 {
			r, resident = region{int64(from), int64(to), ""}, false
			if may[0] != 'r' || strings.Contains(line, "[v") {
				r = region{}
			}
		} else if n, _ := fmt.Sscanf(line, "Rss: %d kB", &kib); n == 1 {
			// What the race detector maps and hardly uses is not read.
			resident = kib > 0 && r.to-r.from < 1<<30
		} else if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && resident && r.to > 0 {
			r.flags = flags
			all = append(all, r)
		}
	}
	return all
}

// A slice that somebody kept of a wiped secret reads zeros and does not end the
// process; the pages are whole and their own.
func TestAWipedSecretCanStillBeRead(t *testing.T) {
	secret := NewSecret(bytes.Repeat([]byte{7}, 5000))
	kept := secret.Bytes()
	secret.Wipe()
	if !bytes.Equal(kept, make([]byte, 5000)) || secret.Len() != 5000 {
		t.Fatal("a wiped secret is not all zeros")
	}
	none := NewSecret(nil)
	none.Wipe()
	if none.Len() != 0 {
		t.Fatal("an empty secret is not empty")
	}
}
