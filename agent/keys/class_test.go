package keys

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// flip changes one byte of a file.
func flip(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[at] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Any piece of the stretch file is enough to kill its class, and no other.
func TestLosingAnyPieceOfTheStretchKillsTheClass(t *testing.T) {
	_, dir := mustCreate(t)
	for at := 0; at < fileSize; at += 8191 {
		flip(t, Data.file(stretch).path(dir), at)
		s := mustOpen(t, dir)
		if _, err := s.LedgerAEAD(); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d of the stretch lost: %v", at, err)
		}
		if !s.Has(Identity) {
			t.Fatalf("byte %d of the data's stretch lost, and the identity with it", at)
		}
		flip(t, Data.file(stretch).path(dir), at) // back again
	}
	if !mustOpen(t, dir).Has(Data) {
		t.Fatal("with the whole stretch the class does not open")
	}
}

// A wrapped key opens in its own class, under its own name and in its own
// generation only.
func TestAWrappedKeyIsBoundToItsPlace(t *testing.T) {
	s, _ := mustCreate(t)
	got, err := s.readClass(Identity)
	if err != nil {
		t.Fatal(err)
	}
	content, generation, _, err := s.newest(Identity.file(box))
	if err != nil {
		t.Fatal(err)
	}
	all, err := parseBox(Identity, content.Bytes())
	if err != nil || len(all) != 3 {
		t.Fatalf("%d entries, %v", len(all), err)
	}
	e := all[0]
	for what, aad := range map[string][]byte{
		"class": label(Data, e.name, generation), "name": label(Identity, tlsName, generation), "generation": label(Identity, e.name, generation+1),
	} {
		if _, err := got.aead.Open(nil, e.nonce, e.box, aad); err == nil {
			t.Errorf("a wrapped key opens under another %s", what)
		}
	}
	if _, err := got.aead.Open(nil, e.nonce, e.box, label(Identity, e.name, generation)); err != nil {
		t.Error(err)
	}
}

// Two keys of a class that were exchanged, and a box of one generation under
// another's number, are damage: the labels that reading uses are the strict ones.
func TestExchangedKeysAreDamage(t *testing.T) {
	s, dir := mustCreate(t)
	content, generation, next, err := s.newest(Identity.file(box))
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(content.Bytes())
	one := entryHead + 32 + chacha20poly1305.Overhead
	swapped[0], swapped[one] = swapped[one], swapped[0]
	for what, put := range map[string]func() error{
		"names exchanged":    func() error { return s.put(Identity.file(box), next, generation+1, swapped) },
		"another generation": func() error { return s.put(Identity.file(box), next, generation+2, content.Bytes()) },
	} {
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if _, err := mustOpen(t, dir).Sign(nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A box of a store does not open in the place of another's.
func TestABoxOfAnotherStoreIsDamage(t *testing.T) {
	_, dir := mustCreate(t)
	other := filepath.Join(t.TempDir(), "keys")
	if _, err := Create(other, newStream("other", 0)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(Data.file(box).path(other))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Data.file(box).path(dir), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, dir).LedgerAEAD(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("it answered %v", err)
	}
}

// No key stands in any file in the clear but the roots, which are drawn for
// nothing else.
func TestOnlyRootsLieInTheClear(t *testing.T) {
	s, dir := mustCreate(t)
	if err := s.SetPairing(NewSecret([]byte("0123456789abcdef"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range classes {
		for _, path := range Files(dir, c) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for n, secret := range s.held {
				if bytes.Contains(b, secret.Bytes()) {
					t.Errorf("key %d lies in the clear in %s", n, filepath.Base(path))
				}
			}
		}
	}
}

func TestTheFormerFormIsNotDamage(t *testing.T) {
	for _, name := range []string{"k0", "k1", "k2.new"} {
		dir := filepath.Join(t.TempDir(), "keys")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		former := append([]byte("UNBKEY01"), make([]byte, slotSize-8)...)
		if err := os.WriteFile(filepath.Join(dir, name), former, 0o600); err != nil {
			t.Fatal(err)
		}
		_, opened := Open(dir)
		_, created := Create(dir, newStream("x", 0))
		for _, err := range []error{opened, created} {
			if !errors.Is(err, ErrFormer) || !strings.Contains(err.Error(), "enrol the terminal anew") {
				t.Errorf("%s of the former form: %v", name, err)
			}
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, former) {
			t.Errorf("%s was touched: %v", name, err)
		}
	}
}
