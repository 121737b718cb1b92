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
	page, err := os.ReadFile(Identity.file(box).path(dir))
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

// A store whose line class was erased, and made anew by half: it is made anew
// over its own pages until a root stands.
func TestPairingCutShort(t *testing.T) {
	whole, _ := mustCreate(t)
	destroy(t, whole.Files(Line))
	count := newStream("count", 0)
	whole.rand = count
	key := NewSecret([]byte("0123456789abcdef"))
	if err := whole.SetPairing(key); err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= count.calls; stop++ {
		s, dir := mustCreate(t)
		destroy(t, s.Files(Line))
		s.rand = newStream("cut", stop)
		if err := s.SetPairing(key); !errors.Is(err, errDry) {
			t.Fatalf("cut at read %d of %d: %v", stop, count.calls, err)
		}
		again := mustOpen(t, dir)
		if gone, err := again.Gone(Line); gone || again.Has(Line) || err != nil {
			t.Fatalf("cut at read %d: gone %v, has %v, %v", stop, gone, again.Has(Line), err)
		}
		if err := again.SetPairing(key); err != nil {
			t.Fatalf("cut at read %d: pairing again: %v", stop, err)
		}
		if !mustOpen(t, dir).Has(Line) {
			t.Fatalf("cut at read %d: the pairing key is not on disk", stop)
		}
	}
}

// A line class that is damaged beyond its root is told, not made over.
func TestADamagedPairingIsNotReplaced(t *testing.T) {
	s, dir := mustCreate(t)
	if err := s.SetPairing(NewSecret([]byte("0123456789abcdef"))); err != nil {
		t.Fatal(err)
	}
	flip(t, Line.file(stretch).path(dir), 777)
	again := mustOpen(t, dir)
	if err := again.SetPairing(NewSecret([]byte("0123456789abcdef"))); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a damaged class answered %v", err)
	}
}
