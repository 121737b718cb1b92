package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// stream is reproducible randomness that can run dry: the kill point of Create.
type stream struct {
	source *rand.ChaCha8
	calls  int
	stopAt int // fail at this call; 0 never
}

var errDry = errors.New("the randomness ran dry")

func newStream(seed string, stopAt int) *stream {
	return &stream{source: rand.NewChaCha8(sha256.Sum256([]byte(seed))), stopAt: stopAt}
}

func (s *stream) Read(p []byte) (int, error) {
	s.calls++
	if s.calls == s.stopAt {
		return 0, errDry
	}
	return s.source.Read(p)
}

func mustCreate(t *testing.T) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(dir, newStream("store", 0))
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCreateThenOpen(t *testing.T) {
	s, dir := mustCreate(t)
	again := mustOpen(t, dir)
	if !bytes.Equal(s.DevicePublic(), again.DevicePublic()) || len(s.DevicePublic()) != ed25519.PublicKeySize {
		t.Fatal("the device key changed on the way to disk")
	}
	signature, err := again.Sign([]byte("message"))
	if err != nil || !ed25519.Verify(s.DevicePublic(), []byte("message"), signature) {
		t.Fatalf("the signature does not verify (%v)", err)
	}
	first, err1 := s.TLSKey()
	second, err2 := again.TLSKey()
	if err1 != nil || err2 != nil || !first.Equal(second) {
		t.Fatalf("the TLS key changed on the way to disk (%v, %v)", err1, err2)
	}
	if !again.Has(Data) || again.Has(Line) || !again.Has(Identity) {
		t.Fatalf("has: data %v line %v identity %v", again.Has(Data), again.Has(Line), again.Has(Identity))
	}
}

func TestLedgerAEADIsTheSameAfterReopening(t *testing.T) {
	s, dir := mustCreate(t)
	seal, err := s.LedgerAEAD()
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, seal.NonceSize())
	box := seal.Seal(nil, nonce, []byte("record"), []byte("aad"))
	open, err := mustOpen(t, dir).LedgerAEAD()
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := open.Open(nil, nonce, box, []byte("aad")); err != nil || string(plain) != "record" {
		t.Fatalf("opened %q, %v", plain, err)
	}
}

func TestEveryKeyDiffers(t *testing.T) {
	s, _ := mustCreate(t)
	seen := map[string]name{}
	for n, secret := range s.held {
		if other, ok := seen[string(secret.Bytes())]; ok {
			t.Fatalf("k%d and k%d are the same", n, other)
		}
		seen[string(secret.Bytes())] = n
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	s, dir := mustCreate(t)
	if _, err := Create(dir, newStream("other", 0)); !errors.Is(err, ErrExists) {
		t.Fatalf("a second Create answered %v", err)
	}
	if !bytes.Equal(mustOpen(t, dir).DevicePublic(), s.DevicePublic()) {
		t.Fatal("the second Create changed the store")
	}
}

// Every read of randomness is a place where the power can go.
func TestCreateCutShortIsMadeAnew(t *testing.T) {
	whole := newStream("whole", 0)
	if _, err := Create(filepath.Join(t.TempDir(), "keys"), whole); err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= whole.calls; stop++ {
		dir := filepath.Join(t.TempDir(), "keys")
		if _, err := Create(dir, newStream("cut", stop)); !errors.Is(err, errDry) {
			t.Fatalf("cut at read %d of %d: %v", stop, whole.calls, err)
		}
		if _, err := Open(dir); !errors.Is(err, ErrAbsent) {
			t.Fatalf("cut at read %d: a half-made store opened: %v", stop, err)
		}
		s, err := Create(dir, newStream("second", 0))
		if err != nil {
			t.Fatalf("cut at read %d: cannot make it anew: %v", stop, err)
		}
		if !bytes.Equal(mustOpen(t, dir).DevicePublic(), s.DevicePublic()) {
			t.Fatalf("cut at read %d: the store made anew is not the one on disk", stop)
		}
		assertNoLeftovers(t, dir)
	}
}

func assertNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size := int64(fileSize)
		if e.Name() == "k0" {
			size = 0
		}
		if info.Size() != size || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %d bytes, mode %v", e.Name(), info.Size(), info.Mode())
		}
	}
}

func TestDestroyedClassesAreReported(t *testing.T) {
	s, dir := mustCreate(t)
	if err := s.SetPairing(NewSecret([]byte("0123456789abcdef"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Class{Data, Line, Identity} {
		if gone, err := s.Gone(c); gone || err != nil {
			t.Fatalf("%s: gone %v before it was destroyed, %v", c, gone, err)
		}
		destroy(t, s.Files(c))
		if gone, err := s.Gone(c); !gone || err != nil {
			t.Fatalf("%s: gone %v after it was destroyed, %v", c, gone, err)
		}
		if c == Identity {
			break
		}
		again := mustOpen(t, dir)
		if again.Has(c) || !again.Has(Identity) {
			t.Fatalf("%s destroyed: has it %v, has identity %v", c, again.Has(c), again.Has(Identity))
		}
	}
	if _, err := Open(dir); !errors.Is(err, ErrAbsent) {
		t.Fatalf("opening an erased store: %v", err)
	}
}

func destroy(t *testing.T, paths []string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// However far the destruction of a class got, the store still opens and the
// class is not called whole.
func TestHalfDestroyedIdentityOpens(t *testing.T) {
	_, whole := mustCreate(t)
	paths := Files(whole, Identity)
	for cut := 1; cut < len(paths); cut++ {
		s, dir := mustCreate(t)
		destroy(t, s.Files(Identity)[:cut])
		again := mustOpen(t, dir)
		if again.Has(Identity) {
			t.Fatalf("after %d paths the identity is called whole", cut)
		}
		if !again.Has(Data) {
			t.Fatalf("after %d paths the data key is lost", cut)
		}
	}
}

func TestUseAfterGone(t *testing.T) {
	s, _ := mustCreate(t)
	for _, c := range []Class{Data, Line, Identity} {
		s.Forget(c)
	}
	calls := map[string]func() error{
		"ledger":   func() error { _, err := s.LedgerAEAD(); return err },
		"pairing":  func() error { _, err := s.Pairing(); return err },
		"sign":     func() error { _, err := s.Sign(nil); return err },
		"tls":      func() error { _, err := s.TLSKey(); return err },
		"seal":     func() error { return s.SealPreimage([32]byte{1}, nil) },
		"preimage": func() error { _, err := s.OpenPreimage(nil); return err },
	}
	for what, call := range calls {
		if err := call(); !errors.Is(err, ErrGone) {
			t.Errorf("%s after Forget: %v", what, err)
		}
	}
	if len(s.DevicePublic()) != ed25519.PublicKeySize {
		t.Error("the public key should stay known")
	}
}

func TestForgetClearsWhatTheStoreHeld(t *testing.T) {
	s, _ := mustCreate(t)
	held := s.held[deviceName]
	s.Forget(Identity)
	if !bytes.Equal(held.Bytes(), make([]byte, 32)) {
		t.Fatal("the device key is still in memory")
	}
}

func TestDamagedFileIsNotGone(t *testing.T) {
	_, dir := mustCreate(t)
	if err := os.Truncate(Data.file(root).path(dir), 100); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	if _, err := s.LedgerAEAD(); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a damaged data key answered %v", err)
	}
	if gone, _ := s.Gone(Data); gone || s.Has(Data) {
		t.Fatalf("a damaged data key is called gone (%v) or whole (%v)", gone, s.Has(Data))
	}
}

func TestDirectoryMustBeOurs(t *testing.T) {
	_, dir := mustCreate(t)
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "0700") {
		t.Fatalf("a directory others can enter was opened: %v", err)
	}
	if _, err := Create(filepath.Join(t.TempDir(), "a", "b"), newStream("x", 0)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a store without a parent directory: %v", err)
	}
}

func TestLinkInPlaceOfKeyIsNotFollowed(t *testing.T) {
	_, dir := mustCreate(t)
	moved, from := filepath.Join(t.TempDir(), "moved"), Data.file(root).path(dir)
	if err := errors.Join(os.Rename(from, moved), os.Symlink(moved, from)); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, dir).LedgerAEAD(); err == nil {
		t.Fatal("a symbolic link was followed")
	}
}

// A key of a store that was never finished must not stay behind in a freed
// block: the new key goes over the old one's page.
func TestCreateOverwritesHalfMadeInPlace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	whole := newStream("whole", 0)
	if _, err := Create(filepath.Join(t.TempDir(), "keys"), whole); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, newStream("cut", whole.calls)); !errors.Is(err, errDry) {
		t.Fatal(err)
	}
	before, err := os.Stat(Data.file(root).path(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(dir, newStream("second", 0)); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(Data.file(root).path(dir))
	if err != nil || !os.SameFile(before, after) {
		t.Fatalf("the half-made key file was replaced, not overwritten (%v)", err)
	}
}
