package ledger

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var testBinding = sha256.Sum256([]byte("binding of the tests"))

// testAEAD has the shape of XChaCha20-Poly1305 and needs only the standard library.
func testAEAD(seed string) cipher.AEAD {
	key := sha256.Sum256([]byte(seed))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		panic(err)
	}
	return aead
}

func testOptions() Options {
	return Options{AEAD: testAEAD("key"), Binding: testBinding, MaxSegment: 4 << 20}
}

func mustOpen(t testing.TB, dir string, o Options) *Ledger {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return l
}

func newLedger(t testing.TB, change ...func(*Options)) (*Ledger, string) {
	t.Helper()
	o := testOptions()
	for _, c := range change {
		c(&o)
	}
	dir := filepath.Join(t.TempDir(), "ledger")
	return mustOpen(t, dir, o), dir
}

// sale is the event number evseq of that reader: an approved sale of evseq fen.
func sale(reader string, evseq uint64) Event {
	return event(transaction(reader, evseq, func(r *Record) {}))
}

func transaction(reader string, evseq uint64, change func(*Record)) Record {
	r := Record{
		Amount: int64(evseq), Auth: "A12345", Batch: "000001", Card: &Card{"unionpay", "622848******1234"},
		Currency: "CNY", Entry: "contactless", Evseq: evseq, Kind: "sale", Method: "card", MID: "898320548160001",
		Reader: reader, Result: "approved", RRN: "612345678901", STAN: "000123", TID: "10000001", Time: 1790000000,
	}
	change(&r)
	return r
}

func event(r Record) Event { return Event{Seq: r.Evseq, Body: r.AppendCanonical(nil)} }

func sales(reader string, first, last uint64) (events []Event) {
	for n := first; n <= last; n++ {
		events = append(events, sale(reader, n))
	}
	return events
}

func mustAppend(t testing.TB, l *Ledger, reader string, events ...Event) Appended {
	t.Helper()
	done, err := l.Append(reader, events)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// export returns all lines from number from on.
func export(t testing.TB, l *Ledger, from uint64) (lines []string, head Head, tally Tally) {
	t.Helper()
	head, tally, err := l.Export(context.Background(), from, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, head, tally
}

func mustVerify(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyLedger(t *testing.T) {
	l, _ := newLedger(t)
	want := sha256.Sum256(append([]byte("unbindd/ledger/1"), testBinding[:]...))
	if head := l.Head(); head.Seq != 0 || head.Chain != want {
		t.Fatalf("an empty ledger's head is %d, %s", head.Seq, head.Digest())
	}
	mustVerify(t, l)
	if lines, head, tally := export(t, l, 1); len(lines) != 0 || head != l.Head() || tally.Records() != 0 {
		t.Fatalf("an empty ledger exports %d lines", len(lines))
	}
}

// The chain is recomputed here from its definition, on the exported bytes.
func TestChainIsWhatTheFormatSays(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 3)...)
	lines, head, _ := export(t, l, 1)
	chain := sha256.Sum256(append([]byte("unbindd/ledger/1"), testBinding[:]...))
	for i, line := range lines {
		body := line[len(`{"c":"`)+64+len(`","t":`) : len(line)-2]
		if !strings.Contains(body, fmt.Sprintf(`"seq":%d,`, i+1)) {
			t.Fatalf("line %d does not carry its number: %s", i+1, body)
		}
		chain = sha256.Sum256(append(chain[:], body...))
		if got := line[len(`{"c":"`) : len(`{"c":"`)+64]; got != hex.EncodeToString(chain[:]) {
			t.Fatalf("line %d: chain %s", i+1, got)
		}
	}
	if head.Chain != chain || head.Digest() != "sha256:"+hex.EncodeToString(chain[:]) || l.Head() != head {
		t.Fatal("the head is not the last chain value")
	}
}

func TestReopen(t *testing.T) {
	o := testOptions()
	dir := filepath.Join(t.TempDir(), "ledger")
	l := mustOpen(t, dir, o)
	for n := uint64(1); n <= 30; n++ {
		mustAppend(t, l, "PX7-1", sale("PX7-1", n))
	}
	head, tally, open := l.Head(), l.Tally(), l.Unsettled()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o.NoCreate = true
	l = mustOpen(t, dir, o)
	if l.Head() != head || l.Last("PX7-1") != 30 || l.Last("other") != 0 {
		t.Fatalf("head %d, last %d", l.Head().Seq, l.Last("PX7-1"))
	}
	if got := l.Tally(); got.Count != 30 || !slices.Equal(got.Sums, tally.Sums) || !slices.Equal(l.Unsettled(), open) {
		t.Fatalf("the totals changed: %+v", got)
	}
	mustAppend(t, l, "PX7-1", sale("PX7-1", 31))
	mustVerify(t, l)
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	_, made := newLedger(t)
	other := sha256.Sum256([]byte("other binding"))
	cases := map[string]struct {
		dir    string
		change func(*Options)
		want   error
	}{
		"absent":              {filepath.Join(t.TempDir(), "none"), func(o *Options) { o.NoCreate = true }, ErrAbsent},
		"wrong key":           {made, func(o *Options) { o.AEAD = testAEAD("other") }, ErrKey},
		"wrong binding":       {made, func(o *Options) { o.Binding = other }, ErrBinding},
		"wrong both":          {made, func(o *Options) { o.Binding, o.AEAD = other, testAEAD("other") }, ErrBinding},
		"another predecessor": {made, func(o *Options) { o.Prev = &other }, ErrBinding},
		"no cipher":           {made, func(o *Options) { o.AEAD = nil }, nil},
		"tiny segments":       {made, func(o *Options) { o.MaxSegment = 1000 }, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			// A copy, because a file that is open cannot be opened again.
			dir := copyLedger(t, c.dir)
			o := testOptions()
			c.change(&o)
			l, err := Open(dir, o)
			if err == nil {
				l.Close()
				t.Fatal("it opened")
			}
			if c.want != nil && !errors.Is(err, c.want) || errors.Is(err, ErrDamaged) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

// copyLedger copies the files of a ledger, open or not, into a new directory.
func copyLedger(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return to
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestSuccessorContinuesTheChain(t *testing.T) {
	old, _ := newLedger(t)
	mustAppend(t, old, "PX7-1", sales("PX7-1", 1, 3)...)
	prev := old.Head().Chain
	l, dir := newLedger(t, func(o *Options) { o.Prev = &prev })
	if l.Head() != (Head{0, prev}) {
		t.Fatal("the successor does not begin at the predecessor's head")
	}
	mustAppend(t, l, "PX7-2", sale("PX7-2", 1))
	mustVerify(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, dir, testOptions()))
}

func TestSecondOpenIsRefused(t *testing.T) {
	_, dir := newLedger(t)
	if _, err := Open(dir, testOptions()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("a second opening answered %v", err)
	}
}

func TestClosed(t *testing.T) {
	l, _ := newLedger(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append("PX7-1", sales("PX7-1", 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if err := l.Verify(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("Verify: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// A cut-short creation leaves a temporary file, which is no ledger.
func TestHalfMadeLedgerIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	fresh := segmentPath(dir, 1) + freshSuffix
	if err := os.WriteFile(fresh, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.NoCreate = true
	if _, err := Open(dir, o); !errors.Is(err, ErrAbsent) {
		t.Fatalf("it is taken for a ledger: %v", err)
	}
	mustVerify(t, mustOpen(t, dir, testOptions()))
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the leftover is still there: %v", err)
	}
}

// Nothing of a record may be read from the disk, not even by trying hashes.
func TestNothingIsInTheClear(t *testing.T) {
	l, dir := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 20)...)
	lines, head, _ := export(t, l, 1)
	b, err := os.ReadFile(segmentPath(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	on := string(b)
	canaries := []string{"PX7-1", "CNY", "622848", "898320548160001", "amount", string(head.Chain[:])}
	for _, line := range lines {
		chain, err := hex.DecodeString(line[6:70])
		if err != nil {
			t.Fatal(err)
		}
		canaries = append(canaries, string(chain))
	}
	for _, canary := range canaries {
		if strings.Contains(on, canary) {
			t.Errorf("%q is readable on disk", canary)
		}
	}
}
