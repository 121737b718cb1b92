package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
)

// -update writes docs/wire/salvage.jsonl anew.
var update = flag.Bool("update", false, "write the golden file")

// saved is a salvage in parts: what its lines and its trailer say.
type saved struct {
	lines []string
	in    backup.TrailerInput
}

// savedOf makes one of a ledger of six records whose third cannot be read, and of
// which a seventh and eighth are known to have been.
func savedOf(t *testing.T, header backup.Header) saved {
	t.Helper()
	aead, err := chacha20poly1305.NewX(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"), ledger.Options{AEAD: aead, Binding: [32]byte{7}, MaxSegment: 512 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for n := uint64(1); n <= 6; n++ {
		body := fmt.Sprintf(`{"amount":%d,"batch":"000001","currency":"CNY","entry":"chip","evseq":%d,"kind":"sale","method":"card","mid":"M1","reader":"PX7-1","result":"approved","stan":"%06d","tid":"T1","time":1795392000}`, 100*n, n, n)
		if _, err := l.Append("PX7-1", []ledger.Event{{Seq: n, Body: []byte(body)}}); err != nil {
			t.Fatal(err)
		}
	}
	start := ledger.Start([32]byte{7})
	audit := ledger.NewPiecesAuditor(start)
	var s saved
	n := 0
	_, _, err = l.Export(t.Context(), 1, func(line []byte) error {
		if n++; n == 3 {
			return nil
		}
		s.lines = append(s.lines, string(line))
		return audit.Add(line)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.in = backup.TrailerInput{Count: 5, Head: audit.Head().Digest(), Last: 6, Open: true}
	if s.in.Missing, err = json.Marshal(audit.Missing([]ledger.Span{{First: 7, Last: 8}})); err != nil {
		t.Fatal(err)
	}
	if s.in.Sums, err = json.Marshal(audit.Tally().Sums); err != nil {
		t.Fatal(err)
	}
	return s
}

func salvageHeader() backup.Header {
	start := ledger.Start([32]byte{7})
	return backup.Header{
		Binding: string(envelope.FromRaw([32]byte{7})), Epoch: 3, First: 1, Kind: backup.Salvage,
		Prev: fmt.Sprintf("%x", start), Terminal: "T-1",
	}
}

// seal writes it sealed, and the key beside it.
func (s saved) seal(t *testing.T, header backup.Header) (file, key string) {
	t.Helper()
	identity, recipient, err := backup.NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, err = backup.Seal(&out, []string{recipient}, header, func(write func([]byte) error) (backup.TrailerInput, error) {
		for _, line := range s.lines {
			if err := write([]byte(line)); err != nil {
				return s.in, err
			}
		}
		return s.in, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	file, key = filepath.Join(t.TempDir(), "saved"), filepath.Join(t.TempDir(), "key")
	for path, text := range map[string][]byte{file: out.Bytes(), key: []byte(identity + "\n")} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file, key
}

func TestSalvageIsOpened(t *testing.T) {
	s := savedOf(t, salvageHeader())
	file, key := s.seal(t, salvageHeader())
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"open", "--identity", key, file, "--totals"}, &out, &problems); code != exitDone {
		t.Fatalf("%d: %s", code, &problems)
	}
	for _, want := range []string{
		"A salvage of the ledger of terminal T-1, enrolment 3; it belongs to no case", "5 transaction(s), 0 event(s), 0 refused, head " + s.in.Head,
		"1800 minor units", "Missing, because the terminal could not read them: 3, 7-8; whether there were more after record 8 is not known.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("not told: %s\n%s", want, &out)
		}
	}
	out.Reset()
	if code := run(t.Context(), []string{"open", "--identity", key, file}, &out, &problems); code != exitDone || out.String() != strings.Join(s.lines, "") {
		t.Errorf("the lines: %d %s", code, &out)
	}
}

// What a salvage says of itself is held against its lines.
func TestSalvageThatIsNotAsItSaysIsRefused(t *testing.T) {
	for code, change := range map[string]func(s *saved, h *backup.Header){
		"E24:chain": func(s *saved, _ *backup.Header) {
			s.lines[1] = strings.Replace(s.lines[1], `"amount":200`, `"amount":900`, 1)
		},
		"E24:head":    func(s *saved, h *backup.Header) { s.in.Head = "sha256:" + h.Prev },
		"E24:sums":    func(s *saved, _ *backup.Header) { s.in.Sums = json.RawMessage(`[]`) },
		"E24:missing": func(s *saved, _ *backup.Header) { s.in.Missing = json.RawMessage(`[]`) },
		"E24:sealed":  func(s *saved, _ *backup.Header) { s.in.Missing = json.RawMessage(`{}`) },
	} {
		s, h := savedOf(t, salvageHeader()), salvageHeader()
		change(&s, &h)
		file, key := s.seal(t, h)
		var problems bytes.Buffer
		if got := run(t.Context(), []string{"open", "--identity", key, file, "--totals"}, &bytes.Buffer{}, &problems); got != exitRefused || !strings.Contains(problems.String(), code) {
			t.Errorf("%s: %d, %s", code, got, &problems)
		}
	}
}

// The example that WIRE.md shows, as stock tools see it behind age and zstd.
func TestSalvageGolden(t *testing.T) {
	s := savedOf(t, salvageHeader())
	file, key := s.seal(t, salvageHeader())
	plain, err := exec.Command("bash", "-c", `set -o pipefail; age -d -i "$1" "$2" | zstd -dqc`, "golden", key, file).Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join("..", "..", "scripts", "check-salvage.sh"), key, file).CombinedOutput()
	if err != nil || string(out) != "5 records, the last of them number 6; missing: 3, 7-8\n" {
		t.Errorf("%v: %s", err, out)
	}
	path := filepath.Join("..", "..", "docs", "wire", "salvage.jsonl")
	if *update {
		if err := os.WriteFile(path, plain, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !slices.Equal(plain, want) {
		t.Errorf("%v; it is now\n%s", err, plain)
	}
}
