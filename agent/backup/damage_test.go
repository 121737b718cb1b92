package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// The file is cut at every byte of its beginning and end and at many between.
func TestCutAnywhere(t *testing.T) {
	identity, recipient := people(t)
	sealed, _ := mustSeal(t, someLines(6500), recipient)
	if len(sealed) < 3*(64<<10) {
		t.Fatalf("%d bytes are too few for age's chunks", len(sealed))
	}
	cuts := []int{len(sealed) - 1}
	for n := range 120 {
		cuts = append(cuts, n, len(sealed)-1-n)
	}
	for n := 64 << 10; n < len(sealed); n += 64 << 10 {
		cuts = append(cuts, n-1, n, n+1, n+184, n+200, n+216) // near the chunks' borders
	}
	for _, n := range cuts {
		if _, _, _, err := openAll(sealed[:n], identity); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(sealed), err)
		}
	}
	if _, _, _, err := openAll(append(slices.Clone(sealed), 0), identity); !errors.Is(err, ErrCorrupt) {
		t.Fatal("a byte behind the end was not noticed")
	}
}

func TestFlipAnywhere(t *testing.T) {
	identity, recipient := people(t)
	sealed, _ := mustSeal(t, someLines(300), recipient)
	random := rand.New(rand.NewPCG(3, 4))
	for n := range 900 {
		at := n // every byte of the header first
		if n >= 300 {
			at = random.IntN(len(sealed))
		}
		harmed := slices.Clone(sealed)
		harmed[at] ^= 1 << random.IntN(8)
		if _, _, _, err := openAll(harmed, identity); err == nil {
			t.Fatalf("byte %d of %d flipped: not noticed", at, len(sealed))
		}
	}
}

// forge seals plaintext that Seal would not write.
func forge(t testing.TB, recipient, plain string, options ...zstd.EOption) []byte {
	t.Helper()
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	sealed, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := zstd.NewWriter(sealed, options...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(packed, plain)
	if err := errors.Join(err, packed.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// plaintext is what a good backup of these lines decrypts to.
func plaintext(t testing.TB, lines []string) string {
	t.Helper()
	identity, recipient := people(t)
	sealed, trailer := mustSeal(t, lines, recipient)
	h, _, got, err := openAll(sealed, identity)
	if err != nil {
		t.Fatal(err)
	}
	first, err1 := line(h)
	last, err2 := line(trailer)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(first) + strings.Join(got, "") + string(last)
}

func TestForgedContent(t *testing.T) {
	identity, recipient := people(t)
	good := plaintext(t, someLines(3))
	if _, _, lines, err := openAll(forge(t, recipient, good), identity); err != nil || len(lines) != 3 {
		t.Fatalf("the good one: %d lines, %v", len(lines), err)
	}
	all := strings.SplitAfter(good, "\n")
	swap := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	cases := map[string]string{
		"empty":              "",
		"header alone":       all[0],
		"no trailer":         strings.Join(all[:4], ""),
		"no header":          strings.Join(all[1:], ""),
		"one line less":      all[0] + all[1] + all[2] + all[4],
		"one line twice":     all[0] + all[1] + all[1] + all[2] + all[3] + all[4],
		"line changed":       swap(`"amount":1,`, `"amount":7,`),
		"count changed":      swap(`"count":3`, `"count":4`),
		"sha changed":        swap(`"sha256":"`, `"sha256":"00`),
		"head changed":       swap(`"head":"sha256:`, `"head":"sha512:`),
		"header changed":     swap(`"epoch":3`, `"epoch":4`),
		"other kind":         swap(Kind, "other-backup"),
		"other version":      swap(`"v":1`, `"v":2`),
		"unknown member":     swap(`"v":1}`, `"v":1,"x":1}`),
		"spelling":           swap(`{"case"`, `{ "case"`),
		"case variant":       swap(`"case"`, `"Case"`),
		"no last new line":   strings.TrimSuffix(good, "\n"),
		"line behind end":    good + "{}\n",
		"two backups":        good + good,
		"trailer spelt anew": swap(`"count":3`, `"count": 3`),
		"long line":          all[0] + strings.Repeat("x", maxLine) + "\n" + all[4],
	}
	for name, plain := range cases {
		t.Run(name, func(t *testing.T) {
			if _, _, _, err := openAll(forge(t, recipient, plain), identity); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

// Somebody who can seal can also make the trailer fit; header and trailer must
// be well formed in themselves.
func TestForgedWithFittingTrailer(t *testing.T) {
	identity, recipient := people(t)
	for name, change := range map[string]func(*Header, *Trailer){
		"good":     func(*Header, *Trailer) {},
		"kind":     func(h *Header, _ *Trailer) { h.Kind = "other-backup" },
		"version":  func(h *Header, _ *Trailer) { h.V = 2 },
		"case":     func(h *Header, _ *Trailer) { h.Case = "a b" },
		"terminal": func(h *Header, _ *Trailer) { h.Terminal = "" },
		"command":  func(h *Header, _ *Trailer) { h.Command = "sha256:00" },
		"prev":     func(h *Header, _ *Trailer) { h.Prev = "00" },
		"epoch":    func(h *Header, _ *Trailer) { h.Epoch = -1 },
		"head":     func(_ *Header, t *Trailer) { t.Head = "00" },
		"last":     func(_ *Header, t *Trailer) { t.Last = 1 << 53 },
	} {
		h, trailer := header(), Trailer{Head: input(0).Head, Sums: input(0).Sums}
		h.Kind, h.V = Kind, version
		change(&h, &trailer)
		first, err := line(h)
		if err != nil {
			t.Fatal(err)
		}
		trailer.Sha256 = fmt.Sprintf("%x", sha256.Sum256(first))
		last, err := line(trailer)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = openAll(forge(t, recipient, string(first)+string(last)), identity)
		if (name == "good") != (err == nil) || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A hostile file cannot make the reader remember more than the window.
func TestLargeWindowIsRefused(t *testing.T) {
	identity, recipient := people(t)
	good := plaintext(t, someLines(12000))
	sealed := forge(t, recipient, good, zstd.WithWindowSize(8<<20))
	if _, _, _, err := openAll(sealed, identity); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a window of 8 MiB answered %v", err)
	}
}

// A salvage says less than a backup, and is never taken for one, nor the other way round.
func TestKindsAreNotMixed(t *testing.T) {
	identity, recipient := people(t)
	asBackup, _ := mustSeal(t, someLines(3), recipient)
	h := Header{Binding: header().Command, Epoch: 3, First: 1, Kind: Salvage, Prev: header().Prev, Terminal: "terminal-1"}
	in := input(3)
	in.Missing, in.Open = json.RawMessage(`[{"first":4,"last":5}]`), true
	var out bytes.Buffer
	if _, err := Seal(&out, []string{recipient}, h, withTrailer(someLines(3), in)); err != nil {
		t.Fatal(err)
	}
	nothing := func([]byte) error { return nil }
	if got, trailer, err := OpenSalvage(bytes.NewReader(out.Bytes()), []string{identity}, nothing); err != nil || got.Kind != Salvage || !trailer.Open || string(trailer.Missing) != string(in.Missing) {
		t.Errorf("%+v %+v %v", got, trailer, err)
	}
	if first, err := Beginning(bytes.NewReader(out.Bytes()), []string{identity}); err != nil || first.Kind != Salvage {
		t.Errorf("it begins with %+v, %v", first, err)
	}
	if _, _, err := Open(bytes.NewReader(out.Bytes()), []string{identity}, nothing); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a salvage as a backup: %v", err)
	}
	if _, _, err := OpenSalvage(bytes.NewReader(asBackup), []string{identity}, nothing); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a backup as a salvage: %v", err)
	}
	for name, change := range map[string]func(h *Header, in *TrailerInput){
		"a case":           func(h *Header, _ *TrailerInput) { h.Case = "case-1" },
		"a command":        func(h *Header, _ *TrailerInput) { h.Command = header().Command },
		"no binding":       func(h *Header, _ *TrailerInput) { h.Binding = "" },
		"nothing missing":  func(_ *Header, in *TrailerInput) { in.Missing = nil },
		"a backup's holes": func(h *Header, _ *TrailerInput) { *h = header() },
	} {
		h, in := h, in
		change(&h, &in)
		if _, err := Seal(io.Discard, []string{recipient}, h, withTrailer(someLines(3), in)); err == nil {
			t.Errorf("%s: it was sealed", name)
		}
	}
}

func withTrailer(lines []string, in TrailerInput) func(write func([]byte) error) (TrailerInput, error) {
	return func(write func([]byte) error) (TrailerInput, error) {
		_, err := writer(lines)(write)
		return in, err
	}
}
