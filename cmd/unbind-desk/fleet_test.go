package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"unbindd/scripts/fleet"
)

// The quick half of make fleet: a few terminals through the whole journey at one
// desk, which is killed on the way; whatever it acknowledged is looked for.
func TestFleet(t *testing.T) {
	n := 48
	if text := os.Getenv("FLEET"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s, err := fleet.Fleet(t.Context(), "unbind-desk", filepath.Join(t.TempDir(), "desk"), n, 0, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Audit; a.Cases != n || a.Certificates != n || a.Receipts != n || a.Proofs == 0 || a.To <= a.From || s.Idle.Waiting != int64(n) {
		t.Fatalf("the audit says %+v, and %d waited", a, s.Idle.Waiting)
	}
	if s.Killed.Receipted == 0 {
		t.Fatal("nothing was receipted before the desk was killed")
	}
}
