package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"
)

func header() Header {
	return Header{
		Case: "case-1", Command: "sha256:" + strings.Repeat("ab", 32), Epoch: 3, First: 1,
		Prev: strings.Repeat("cd", 32), Terminal: "terminal-1",
	}
}

func input(count int) TrailerInput {
	return TrailerInput{
		Count: uint64(count), Head: "sha256:" + strings.Repeat("ef", 32), Last: uint64(count),
		Sums: json.RawMessage(`[{"amount":5,"count":1,"currency":"CNY","kind":"sale","result":"approved"}]`),
	}
}

func writer(lines []string) func(write func([]byte) error) (TrailerInput, error) {
	return func(write func([]byte) error) (TrailerInput, error) {
		for _, l := range lines {
			if err := write([]byte(l)); err != nil {
				return TrailerInput{}, err
			}
		}
		return input(len(lines)), nil
	}
}

func someLines(n int) (lines []string) {
	for i := range n {
		sum := sha256.Sum256(fmt.Append(nil, i))
		lines = append(lines, fmt.Sprintf(`{"c":"%x","t":{"amount":%d,"kind":"sale"}}`+"\n", sum, i))
	}
	return lines
}

func people(t testing.TB) (identity, recipient string) {
	t.Helper()
	identity, recipient, err := NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	return identity, recipient
}

func mustSeal(t testing.TB, lines []string, recipients ...string) (sealed []byte, trailer Trailer) {
	t.Helper()
	var out bytes.Buffer
	trailer, err := Seal(&out, recipients, header(), writer(lines))
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), trailer
}

// openAll opens from memory and returns the lines too.
func openAll(sealed []byte, identities ...string) (h Header, t Trailer, lines []string, err error) {
	h, t, err = Open(bytes.NewReader(sealed), identities, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	return h, t, lines, err
}

func TestRoundTrip(t *testing.T) {
	identity, recipient := people(t)
	for _, n := range []int{0, 1, 2, 5000} {
		want := someLines(n)
		sealed, trailer := mustSeal(t, want, recipient)
		h, got, lines, err := openAll(sealed, identity)
		if err != nil || !slices.Equal(lines, want) {
			t.Fatalf("%d lines came back as %d, %v", n, len(lines), err)
		}
		full := header()
		full.Kind, full.V = Kind, 1
		if h != full || got.Sha256 != trailer.Sha256 || got.Count != uint64(n) || !bytes.Equal(got.Sums, input(n).Sums) {
			t.Fatalf("header %+v, trailer %+v", h, got)
		}
	}
}

func TestRoundTripOfAnyLines(t *testing.T) {
	identity, recipient := people(t)
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.SliceOfN(rapid.StringMatching(`\{"[a-z]{0,9}":"[ -!#-;=?-\[\]-~]{0,300}"\}`), 0, 30).Draw(rt, "lines")
		sealed, _ := mustSeal(t, want, recipient)
		_, _, lines, err := openAll(sealed, identity)
		if err != nil || strings.Join(lines, "") != joinLines(want) {
			rt.Fatalf("%d lines came back as %d, %v", len(want), len(lines), err)
		}
	})
}

func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func TestHybridRecipients(t *testing.T) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	hybrid := id.Recipient().String()
	sealed, _ := mustSeal(t, someLines(10), hybrid, hybrid)
	if _, _, lines, err := openAll(sealed, id.String()); err != nil || len(lines) != 10 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	_, classic := people(t)
	if err := CheckRecipients([]string{hybrid, classic}); err == nil || !strings.Contains(err.Error(), "mix") {
		t.Fatalf("a mixed set answered %v", err)
	}
	if _, err := Seal(io.Discard, []string{classic, hybrid}, header(), writer(nil)); err == nil {
		t.Fatal("a mixed set was sealed to")
	}
}

func TestEveryRecipientCanOpen(t *testing.T) {
	id1, r1 := people(t)
	id2, r2 := people(t)
	other, _ := people(t)
	sealed, _ := mustSeal(t, someLines(3), r1, r2)
	for _, ids := range [][]string{{id1}, {id2}, {other, id2}} {
		if _, _, _, err := openAll(sealed, ids...); err != nil {
			t.Errorf("a recipient cannot open it: %v", err)
		}
	}
	if _, _, lines, err := openAll(sealed, other); !errors.Is(err, ErrNotForUs) || len(lines) != 0 {
		t.Errorf("somebody else: %d lines, %v", len(lines), err)
	}
}

// Who has identities can tell whose files he will open.
func TestRecipientsOfIdentities(t *testing.T) {
	id, classic := people(t)
	pq, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	got, err := RecipientsOf([]string{id, pq.String()})
	if err != nil || len(got) != 2 || got[0] != classic || got[1] != pq.Recipient().String() {
		t.Errorf("they are %v, %v", got, err)
	}
	if got, err := RecipientsOf([]string{id, classic}); err == nil || got != nil {
		t.Error("a recipient passes for an identity")
	}
}

func TestMalformedPeople(t *testing.T) {
	identity, recipient := people(t)
	for _, set := range [][]string{nil, {""}, {"age1x"}, {identity}, {recipient, "age1pq1x"}} {
		if err := CheckRecipients(set); err == nil {
			t.Errorf("a set of %d was taken", len(set))
		}
	}
	broken := identity[:len(identity)-1] + "x"
	_, _, _, err := openAll(nil, broken)
	if err == nil || strings.Contains(err.Error(), identity[20:40]) {
		t.Errorf("a broken identity answered %v", err)
	}
	if _, _, _, err := openAll(nil); err == nil {
		t.Error("no identity at all was taken")
	}
}

func TestSealRefuses(t *testing.T) {
	identity, recipient := people(t)
	failure := errors.New("the ledger said no")
	sealWith := func(change func(*Header), lines func(func([]byte) error) (TrailerInput, error)) (error, []byte) {
		h := header()
		change(&h)
		var out bytes.Buffer
		_, err := Seal(&out, []string{recipient}, h, lines)
		return err, out.Bytes()
	}
	same := func(*Header) {}
	giving := func(change func(*TrailerInput)) func(func([]byte) error) (TrailerInput, error) {
		return func(write func([]byte) error) (TrailerInput, error) {
			in := input(1)
			change(&in)
			return in, write([]byte("{}"))
		}
	}
	cases := map[string]struct {
		change func(*Header)
		lines  func(func([]byte) error) (TrailerInput, error)
	}{
		"case":         {func(h *Header) { h.Case = "a b" }, writer(nil)},
		"terminal":     {func(h *Header) { h.Terminal = "" }, writer(nil)},
		"command":      {func(h *Header) { h.Command = "sha256:00" }, writer(nil)},
		"prev":         {func(h *Header) { h.Prev = strings.Repeat("X", 64) }, writer(nil)},
		"epoch":        {func(h *Header) { h.Epoch = -1 }, writer(nil)},
		"empty line":   {same, writer([]string{"\n"})},
		"two lines":    {same, writer([]string{"{}\n{}"})},
		"long line":    {same, writer([]string{strings.Repeat("x", maxLine)})},
		"wrong count":  {same, giving(func(in *TrailerInput) { in.Count = 2 })},
		"wrong head":   {same, giving(func(in *TrailerInput) { in.Head = "x" })},
		"no sums":      {same, giving(func(in *TrailerInput) { in.Sums = nil })},
		"sums no JSON": {same, giving(func(in *TrailerInput) { in.Sums = json.RawMessage("[") })},
		"failing":      {same, func(func([]byte) error) (TrailerInput, error) { return TrailerInput{}, failure }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err, out := sealWith(c.change, c.lines)
			if err == nil || name == "failing" && !errors.Is(err, failure) {
				t.Fatalf("it answered %v", err)
			}
			if _, _, _, err := openAll(out, identity); err == nil {
				t.Fatal("what is left of it can be opened")
			}
		})
	}
}

func TestFullMediumIsAnError(t *testing.T) {
	_, recipient := people(t)
	full := errors.New("no space")
	for room := 0; room < 100_000; room += 9973 {
		_, err := Seal(&narrow{room, full}, []string{recipient}, header(), writer(someLines(3000)))
		if !errors.Is(err, full) {
			t.Fatalf("with room for %d bytes: %v", room, err)
		}
	}
}

type narrow struct {
	room int
	err  error
}

func (n *narrow) Write(p []byte) (int, error) {
	if n.room -= len(p); n.room < 0 {
		return 0, n.err
	}
	return len(p), nil
}

func TestErrorOfCallerComesBack(t *testing.T) {
	identity, recipient := people(t)
	sealed, _ := mustSeal(t, someLines(3), recipient)
	stop := errors.New("stop")
	_, _, err := Open(bytes.NewReader(sealed), []string{identity}, func([]byte) error { return stop })
	if !errors.Is(err, stop) || errors.Is(err, ErrCorrupt) {
		t.Fatalf("it answered %v", err)
	}
}

// 100,000 lines through both ends, on disk: the heap stays where it is.
func TestMemoryIsFlat(t *testing.T) {
	identity, recipient := people(t)
	path := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const total = 100_000
	most := uint64(0)
	watch := func(i int) {
		if i%25_000 == 0 {
			most = max(most, heap())
		}
	}
	base := heap()
	_, err = Seal(f, []string{recipient}, header(), func(write func([]byte) error) (TrailerInput, error) {
		var text []byte
		for i := range total {
			watch(i)
			text = fmt.Appendf(text[:0], `{"c":"%064x","t":{"amount":%d,"kind":"sale"}}`, uint64(i)*0x9e3779b97f4a7c15, i)
			if err := write(text); err != nil {
				return TrailerInput{}, err
			}
		}
		return input(total), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	n := 0
	if _, _, err := Open(f, []string{identity}, func([]byte) error { watch(n); n++; return nil }); err != nil || n != total {
		t.Fatalf("%d lines, %v", n, err)
	}
	if most > base+12<<20 {
		t.Fatalf("the heap grew from %d to %d KiB", base>>10, most>>10)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestDigestFile(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 4096, 1 << 20, 3<<20 + 77} {
		path := filepath.Join(t.TempDir(), "file")
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 7)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		digest, got, err := DigestFile(path)
		if err != nil || got != int64(size) || digest != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("%d bytes: %d, %s, %v", size, got, digest, err)
		}
	}
	if _, _, err := DigestFile(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
