package main

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/sys/unix"
)

// The process that goes on as unbound holds no key: another process that may
// read all of its memory finds none, and found every one of them before. The
// process is the same one to whoever started it.
func TestNoKeyIsInTheMemoryOfAnUnboundDaemon(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may look into the memory of a process that hides it")
	}
	w := newWorld(t, options{sales: 20})
	secrets := w.unwrap()
	w.daemon = start(t, plainDaemon, "run", "--config", w.path("unbindd.yaml"))
	w.daemon.sign("ready ")
	w.traded(20)
	pid := w.daemon.cmd.Process.Pid
	before := copies(t, pid, secrets)
	for name := range secrets {
		if before[name] == 0 {
			t.Errorf("%s is not found while the daemon uses it; the search is blind", name)
		}
	}
	if limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid)); err != nil || !noCore(string(limits)) {
		t.Errorf("core dumps are allowed: %v\n%s", err, limits)
	}
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("ready ") // of the new image
	w.unbound()
	after := copies(t, pid, secrets)
	for name, n := range after {
		if n != 0 {
			t.Errorf("%d copies of %s are in the memory of the unbound daemon", n, name)
		}
	}
	t.Logf("copies while trading %v, unbound %v", before, after)
	w.provesComplete(20)
}

func noCore(limits string) bool {
	for line := range strings.Lines(limits) {
		if f := strings.Fields(line); strings.HasPrefix(line, "Max core file size") && f[4] == "0" && f[5] == "0" {
			return true
		}
	}
	return false
}

// A process that hid itself says so when the kernel is asked.
func TestHideIsSeenByTheKernel(t *testing.T) {
	if refused := hide(); len(refused) > 0 {
		t.Fatal(refused)
	}
	if n, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); n != 0 || err != nil {
		t.Errorf("dumpable is %d, %v", n, err)
	}
}

// unwrap reads the keys out of the store's files by docs/ARCHITECTURE.md alone,
// without the code that wrote them.
func (w *world) unwrap() map[string][]byte {
	w.t.Helper()
	names := map[byte]string{1: "data key", 2: "pairing key", 3: "device seed", 4: "TLS key", 5: "identity KEK"}
	out := map[string][]byte{}
	for i, class := range []string{"data", "line", "identity"} {
		root := slot(w.t, w.keyFile(3*i+1))[24:56]
		stretch := sha512.Sum512(w.keyFile(3*i + 2))
		wrap, err := hkdf.Key(sha256.New, append(bytes.Clone(root), stretch[:]...), nil, "unbindd/kek/1/"+class, 32)
		if err != nil {
			w.t.Fatal(err)
		}
		aead, err := chacha20poly1305.NewX(wrap)
		if err != nil {
			w.t.Fatal(err)
		}
		page := slot(w.t, w.keyFile(3*i+3))
		rest := page[24 : 24+int(binary.BigEndian.Uint16(page[10:]))]
		for len(rest) > 0 {
			length := int(binary.BigEndian.Uint16(rest[1:]))
			aad := slicesOf([]byte("unbindd/wrapped-key/1"), []byte{byte(i + 1), rest[0]}, page[16:24])
			key, err := aead.Open(nil, rest[3:27], rest[27:27+length], aad)
			if err != nil {
				w.t.Fatalf("%s keys: %v", class, err)
			}
			if name, ok := names[rest[0]]; ok {
				out[name] = key
			}
			rest = rest[27+length:]
		}
	}
	if len(out) != len(names) {
		w.t.Fatalf("%d keys are in the store, want %d", len(out), len(names))
	}
	return out
}

func slicesOf(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func (w *world) keyFile(n int) []byte {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.state(), "keys", "k"+strconv.Itoa(n)))
	if err != nil || len(b) != 64<<10 {
		w.t.Fatalf("key file %d: %d bytes, %v", n, len(b), err)
	}
	return b
}

// slot is the newest whole page of a key file.
func slot(t *testing.T, file []byte) (page []byte) {
	t.Helper()
	for _, at := range []int{0, 32 << 10} {
		p := file[at : at+4096]
		sum := sha256.Sum256(p[:4064])
		if bytes.Equal(sum[:], p[4064:]) && (page == nil || bytes.Compare(p[16:24], page[16:24]) > 0) {
			page = p
		}
	}
	if page == nil {
		t.Fatal("no slot of a key file is whole")
	}
	return page
}

// copies counts the secrets in everything that a process can read of its own.
func copies(t *testing.T, pid int, secrets map[string][]byte) map[string]int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	found, searched := map[string]int{}, 0
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[v") { // vvar, vsyscall: the kernel's own
			continue
		}
		var from, to int64
		var may string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &may); err != nil {
			t.Fatal(err)
		}
		if may[0] != 'r' {
			continue
		}
		b := make([]byte, to-from)
		n, err := mem.ReadAt(b, from)
		if err != nil && !errors.Is(err, unix.EIO) { // a mapping beyond its file's end
			t.Fatalf("%s: %v", strings.TrimSpace(line), err)
		}
		searched += n
		for name, secret := range secrets {
			found[name] += bytes.Count(b[:n], secret)
		}
	}
	if searched < 1<<20 {
		t.Fatalf("only %d bytes of memory were read", searched)
	}
	return found
}
