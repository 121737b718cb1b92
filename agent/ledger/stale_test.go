package ledger

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"
)

// stale puts in the place of record seq what a cut commit may have left of that
// number: it opens under seal and number, and follows before, whatever that is.
func stale(t testing.TB, path string, seq uint64, before func(real [32]byte) [32]byte) {
	t.Helper()
	s := &sealer{aead: testOptions().AEAD, binding: testBinding, random: strings.NewReader(strings.Repeat("n", nonceSize))}
	c, err := carve(context.Background(), path, s, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	sealed, _, raw, err := c.open(c.of(seq)[0])
	if err != nil {
		t.Fatal(err)
	}
	_, real, _, err := c.open(c.of(seq - 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.Replace(raw, []byte(`"auth":"A12345"`), []byte(`"auth":"B12345"`), 1)
	left, err := s.sealRecord(Head{Seq: seq, Chain: link(before(real), raw)}, raw)
	if err != nil || len(left) != len(sealed) {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(file, sealed, left), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What a cut commit left is not handed out for the record whose number it has:
// neither if it follows what is there, nor if it follows nothing.
func TestStaleRecordsAreNotHandedOut(t *testing.T) {
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 20)...)
	want, _, _ := export(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	follows := map[string]func([32]byte) [32]byte{
		"the one before": func(real [32]byte) [32]byte { return real },
		"nothing":        func([32]byte) [32]byte { return [32]byte{1} },
	}
	for name, before := range follows {
		for _, seq := range []uint64{7, 20} {
			t.Run(name, func(t *testing.T) {
				copied := copyLedger(t, dir)
				stale(t, segmentPath(copied, 1), seq, before)
				var got []string
				audit := NewPiecesAuditor(origin(testBinding, nil))
				r, err := Salvage(context.Background(), copied, smallOptions(), func(line []byte) error {
					got = append(got, string(line))
					return audit.Add(line)
				})
				if missing := audit.Missing(r.Missing()); !slices.Equal(missing, r.Missing()) {
					t.Errorf("the lines lack %v", missing)
				}
				rest := slices.Delete(slices.Clone(want), int(seq)-1, int(seq))
				if err != nil || !slices.Equal(r.Missing(), []Span{{seq, seq}}) || !slices.Equal(got, rest) {
					t.Errorf("record %d: %v: %s; %d lines", seq, err, r.Sentence(), len(got))
				}
			})
		}
	}
}

// Between two holes nothing vouches for a record but those beside it: where they
// do not fit together, none of them is handed out.
func TestStaleRecordBetweenHoles(t *testing.T) {
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 20)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 1)
	for _, seq := range []uint64{5, 10} {
		places, size := holdsRecord(t, path, 1, seq)
		harm(t, path, func(file []byte) []byte {
			for _, at := range places {
				file[int(at)+size/2] ^= 1
			}
			return file
		})
	}
	if r, err := Check(context.Background(), dir, smallOptions()); err != nil || !slices.Equal(r.Missing(), []Span{{5, 5}, {10, 10}}) {
		t.Fatalf("%v: %s", err, r.Sentence())
	}
	stale(t, path, 7, func([32]byte) [32]byte { return [32]byte{1} })
	if r, err := Check(context.Background(), dir, smallOptions()); err != nil || !slices.Equal(r.Missing(), []Span{{5, 10}}) {
		t.Errorf("%v: %s", err, r.Sentence())
	}
}
