package main

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"unbindd/agent/local"
)

// After the erase no canary and no key byte is found in any file of the state
// directory, nor in the daemon's log: neither the values planted in
// transactions, nor the key files' own bytes as they were before.
func TestNothingIsLeftAfterTheErase(t *testing.T) {
	w := newWorld(t, options{sales: 50})
	w.wait *= 5 // every stray is synced on its own
	w.startDaemon()
	w.traded(50)
	needles := w.needles()
	// What a cut, a crash or a person may leave in our own folders goes too.
	for _, stray := range []string{"core", ".hidden", "journal.db.new", "tombstone.json.new", "stray.tmp/deep/keys", "ledger/seg-00000009.db.new", "ledger/seg-00000001.db.compact", "spool/sealed-1.new", "trust/binding.json.new", "keys/k1.tmp"} {
		w.plant("state/" + stray)
	}
	w.no(os.WriteFile(filepath.Join(w.state(), "tombstone-0.json"), []byte("{}"), 0o600)) // of a former enrolment: it stays
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.unbound()
	w.daemon.stop()
	var left []string
	entries, err := os.ReadDir(w.state())
	w.no(err)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if strings.Join(left, " ") != "told.json tombstone-0.json tombstone.json" {
		t.Errorf("left in the state directory: %v", left)
	}
	w.search(needles, w.state())
	for name, n := range needles {
		if bytes.Contains([]byte(w.daemon.said()), n) {
			t.Errorf("%s stands in the daemon's log", name)
		}
	}
	// The search itself must be able to find something: the other file of the
	// application, outside the inventory, still holds the canary.
	if b, err := os.ReadFile(w.path("pos", "keep", "other.txt")); err != nil || !bytes.Contains(b, []byte(canary)) {
		t.Error("the canary is not where it was left")
	}
}

// needles are read out before: the canary, every 32 bytes of key material in
// the key files, in raw and hexadecimal form, and the sealed ledger's own pages.
func (w *world) needles() map[string][]byte {
	w.t.Helper()
	out := map[string][]byte{"canary": []byte(canary)}
	add := func(name string, b []byte) {
		if len(b) < 16 {
			return
		}
		out[name], out[name+" in hex"] = b, []byte(hex.EncodeToString(b))
	}
	files, err := filepath.Glob(filepath.Join(w.state(), "keys", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			w.t.Fatal(err)
		}
		for at := 0; at+32 <= min(len(b), 512); at += 16 {
			if piece := b[at : at+32]; !bytes.Equal(piece, make([]byte, 32)) {
				add(filepath.Base(path)+"@"+hex.EncodeToString([]byte{byte(at >> 8), byte(at)}), piece)
			}
		}
	}
	if len(out) < 10 {
		w.t.Fatalf("only %d needles: the key files are not where they were", len(out))
	}
	return out
}

func (w *world) search(needles map[string][]byte, root string) {
	w.t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for name, n := range needles {
			if bytes.Contains(b, n) {
				w.t.Errorf("%s is found in %s", name, d.Name())
			}
		}
		return err
	})
	if err != nil || files == 0 {
		w.t.Errorf("searched %d files: %v", files, err)
	}
}

// A recorded system-call trace of one erase shows, for each file that held
// data: written over, synced, cut to nothing, unlinked, and its folder synced,
// in this order.
func TestTheSystemCallsOfAnErase(t *testing.T) {
	w := newWorld(t, options{sales: 20})
	w.startDaemon("erase-keys:starting")
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("paused ")
	w.daemon.kill()
	trace := w.path("trace")
	w.daemon = start(t, "strace", "-f", "-y", "-o", trace, "-e", "trace=openat,pwrite64,fsync,fdatasync,ftruncate,unlinkat",
		program("unbindd"), "run", "--config", w.path("unbindd.yaml"))
	w.unbound()
	w.daemon.stopChild()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"keys/k1", "keys/k2", "keys/k3", "ledger/seg-00000001.db", "spool/sealed-1", "keys/k4", "keys/k7", "keys/k8", "keys/k9", "journal.db", "../pos/data/orders.db", "../pos/operator.pin",
	} {
		checkOrder(t, strings.Split(string(b), "\n"), filepath.Join(w.state(), file))
	}
}

// checkOrder finds the file's calls in the trace and compares their order.
func checkOrder(t *testing.T, lines []string, path string) {
	t.Helper()
	dir, name := filepath.Split(path)
	dir = strings.TrimSuffix(dir, "/")
	over := regexp.MustCompile(`pwrite64\(\d+<` + regexp.QuoteMeta(path) + `>`)
	sync := regexp.MustCompile(`f(data)?sync\(\d+<` + regexp.QuoteMeta(path) + `>`)
	cut := regexp.MustCompile(`ftruncate\(\d+<` + regexp.QuoteMeta(path) + `>, 0`)
	unlink := regexp.MustCompile(`unlinkat\(\d+<` + regexp.QuoteMeta(dir) + `>, "` + regexp.QuoteMeta(name) + `"`)
	folder := regexp.MustCompile(`f(data)?sync\(\d+<` + regexp.QuoteMeta(dir) + `>`)
	at := 0
	for _, step := range []struct {
		what string
		call *regexp.Regexp
	}{{"overwrite", over}, {"fsync", sync}, {"truncate", cut}, {"fsync of the cut", sync}, {"unlink", unlink}, {"fsync of the folder", folder}} {
		found := -1
		for i := at; i < len(lines); i++ {
			if step.call.MatchString(lines[i]) {
				found = i
				break
			}
		}
		if found < 0 {
			t.Errorf("%s: no %s after line %d of the trace", filepath.Base(path), step.what, at)
			return
		}
		at = found + 1
	}
}

// The search of the test above must be able to fail: it finds the needles while
// the terminal still has them.
func TestTheSearchFindsWhatIsThere(t *testing.T) {
	w := newWorld(t, options{sales: 20})
	w.startDaemon()
	w.traded(20)
	w.until("trading", func(s local.Status) bool { return s.Mode == local.Trading })
	hits := 0
	for _, n := range w.needles() {
		err := filepath.WalkDir(w.state(), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, n) {
				hits++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if hits < 10 {
		t.Errorf("the search finds %d needles in a living terminal", hits)
	}
}
