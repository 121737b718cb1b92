package keys

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

func TestPreimageSurvivesReopening(t *testing.T) {
	s, dir := mustCreate(t)
	r := [32]byte{1, 2, 3}
	if err := s.SealPreimage(r, []byte("binding-1")); err != nil {
		t.Fatal(err)
	}
	got, err := mustOpen(t, dir).OpenPreimage([]byte("binding-1"))
	if err != nil || got != r {
		t.Fatalf("opened %x, %v", got, err)
	}
	if _, err := s.OpenPreimage([]byte("binding-2")); !errors.Is(err, ErrDamaged) {
		t.Fatalf("it opened under another binding: %v", err)
	}
	if err := s.SealPreimage([32]byte{9}, []byte("binding-1")); err != nil {
		t.Fatal(err)
	}
	if got, err := mustOpen(t, dir).OpenPreimage([]byte("binding-1")); err != nil || got != [32]byte{9} {
		t.Fatalf("the second preimage: %x, %v", got, err)
	}
}

func TestPreimageIsNotOnDiskInTheClear(t *testing.T) {
	s, dir := mustCreate(t)
	r := [32]byte(bytes.Repeat([]byte{0xa7}, 32))
	if err := s.SealPreimage(r, nil); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(preimageName.path(dir))
	if err != nil || bytes.Contains(page, r[:8]) {
		t.Fatalf("the preimage can be read from its file (%v)", err)
	}
}

func TestPairing(t *testing.T) {
	s, dir := mustCreate(t)
	if _, err := s.Pairing(); !errors.Is(err, ErrGone) {
		t.Fatalf("a store without pairing answered %v", err)
	}
	key := NewSecret([]byte("0123456789abcdef"))
	for range 2 {
		if err := s.SetPairing(key); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := mustOpen(t, dir).Pairing(); err != nil || !got.Equal(key) {
		t.Fatalf("the pairing key changed on the way to disk (%v)", err)
	}
	if err := s.SetPairing(NewSecret([]byte("fedcba9876543210"))); !errors.Is(err, ErrExists) {
		t.Fatalf("another pairing key answered %v", err)
	}
	s.Forget(Line)
	if err := s.SetPairing(NewSecret([]byte("fedcba9876543210"))); !errors.Is(err, ErrExists) {
		t.Fatalf("another pairing key over a forgotten one answered %v", err)
	}
	destroy(t, s.Files(Line))
	if err := s.SetPairing(NewSecret([]byte("fedcba9876543210"))); err != nil {
		t.Fatalf("pairing anew after the erasure: %v", err)
	}
}

func TestPairingRefusesImpossibleLengths(t *testing.T) {
	s, _ := mustCreate(t)
	for _, length := range []int{0, maxKey + 1} {
		if err := s.SetPairing(NewSecret(make([]byte, length))); err == nil {
			t.Errorf("a pairing key of %d bytes was taken", length)
		}
	}
}

// A cut-short SetPairing leaves its temporary file: it counts as key material
// for the eraser, and does not hinder the next attempt.
func TestPairingCutShort(t *testing.T) {
	s, dir := mustCreate(t)
	page := bytes.Repeat([]byte{0x55}, pageSize)
	if err := os.WriteFile(pairingName.fresh(dir), page, 0o600); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.Gone(Line); gone || err != nil {
		t.Fatalf("the leftover is called gone (%v)", err)
	}
	if err := s.SetPairing(NewSecret([]byte("0123456789abcdef"))); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(pairingName.fresh(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the leftover is still there: %v", err)
	}
}
