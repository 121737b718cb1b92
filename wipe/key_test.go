package wipe

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// A key in a file is there until it was destroyed; the probe changes nothing,
// claims no more than it can see, and says unknown when it could not look.
func TestAKeyInAFile(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "k1")
	if err := os.WriteFile(path, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := KeyInFile(Kernel{}, Target{Name: "key", Kind: "key", Path: path, Root: root, Requested: LevelClear})
	if e := k.ProbeGone(t.Context()); e.Verified != Fail || e.LevelAchieved != LevelNone {
		t.Fatalf("before: %+v", e)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "0123456789abcdef" {
		t.Fatalf("the probe touched it: %v", err)
	}
	if e := k.Destroy(t.Context(), nil); e.Verified != Pass || e.Name != k.Name() || e.Items != 1 {
		t.Fatalf("destroyed: %+v", e)
	}
	if e := k.ProbeGone(t.Context()); e.Verified != Pass || e.LevelAchieved != LevelLogical || e.Technique != "probe" {
		t.Fatalf("after: %+v", e)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if e := k.ProbeGone(stopped); e.Verified != Unknown || e.LevelAchieved != LevelNone {
		t.Fatalf("not looked: %+v", e)
	}
}
