package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

// stored returns every key and value of the segment, as they lie in the file.
func stored(t *testing.T, path string) (entries [][]byte) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				entries = append(entries, slices.Concat(k, v))
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// Every byte of every key and value, flipped alone, is noticed.
func TestEveryStoredByteCounts(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	l, dir := newLedger(t, small)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 2)...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 1)
	pristine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	small(&o)
	tried := 0
	for _, entry := range stored(t, path) {
		for i := range entry {
			// Older copies of a page may lie in the file too: all are flipped.
			harmed := bytes.ReplaceAll(pristine, entry, flipped(entry, i))
			if bytes.Equal(harmed, pristine) {
				continue // a short key is not stored beside its value
			}
			if err := os.WriteFile(path, harmed, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := openAndVerify(dir, o); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrBinding) && !errors.Is(err, ErrKey) {
				t.Fatalf("byte %d of %d flipped: %v", i, len(entry), err)
			}
			tried++
		}
	}
	if tried < 1000 {
		t.Fatalf("only %d flips were tried", tried)
	}
}

func flipped(b []byte, i int) []byte {
	c := slices.Clone(b)
	c[i] ^= 0x40
	return c
}

// A flip anywhere in the file, bbolt's own pages included, is noticed or changes
// nothing; it never brings the program down.
func TestFlipsAnywhereInFile(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	l, dir := newLedger(t, small)
	for n := uint64(1); n <= 40; n++ { // many commits: old pages, a free list
		mustAppend(t, l, "PX7-1", sale("PX7-1", n))
	}
	want, _, _ := export(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, 1)
	pristine, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for range 300 {
		// Half of the flips go where pages keep their structure.
		at := random.IntN(len(pristine))
		if random.IntN(2) == 0 {
			at = at&^(pageSize-1) + random.IntN(120)
		}
		harmed := slices.Clone(pristine)
		harmed[at] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := openVerifyCompare(dir, want); err != nil {
			noticed++
			if errors.Is(err, errSilent) {
				t.Fatalf("byte %d: %v", at, err)
			}
		}
	}
	if noticed < 10 {
		t.Fatalf("only %d of 300 flips hit anything", noticed)
	}
}

var errSilent = errors.New("changed, and not noticed")

func openVerifyCompare(dir string, want []string) error {
	o := testOptions()
	small(&o)
	l, err := Open(dir, o)
	if err != nil {
		return err
	}
	if err := l.Verify(context.Background()); err != nil {
		return errors.Join(err, l.Close())
	}
	var got []string
	_, _, err = l.Export(context.Background(), 1, func(line []byte) error {
		got = append(got, string(line))
		return nil
	})
	if err == nil && !slices.Equal(got, want) {
		err = errSilent
	}
	// Writing to such a file may fail; it may not bring the program down.
	_, appending := l.Append("PX7-1", []Event{sale("PX7-1", uint64(len(want)+1))})
	return errors.Join(err, appending, l.Close())
}

// Four bytes anywhere, changed to anything.
func FuzzPages(f *testing.F) {
	x := newHarmed(f)
	for page := range uint32(16) {
		f.Add(page*pageSize+12, uint32(0xffff)) // how far it runs on
		f.Add(page*pageSize+24, uint32(7))      // the first element
	}
	f.Fuzz(func(t *testing.T, at, change uint32) {
		x.change(t, at, change)
		if err := openVerifyCompare(x.dir, x.want); errors.Is(err, errSilent) {
			t.Fatal(err)
		}
	})
}

// What somebody with the file, but without the key, can do to its entries.
func TestRearrangedEntries(t *testing.T) {
	l, dir := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 9)...)
	older := copyLedger(t, dir)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 10, 12)...)
	var olderState []byte
	changeFile(t, segmentPath(older, 1), func(_, state *bbolt.Bucket) error {
		olderState = slices.Clone(state.Get(stateKey))
		return nil
	})
	cases := map[string]func(records, state *bbolt.Bucket) error{
		"two swapped": func(r, _ *bbolt.Bucket) error {
			a, b := slices.Clone(r.Get(seqKey(3))), slices.Clone(r.Get(seqKey(4)))
			return errors.Join(r.Put(seqKey(3), b), r.Put(seqKey(4), a))
		},
		"one repeated":      func(r, _ *bbolt.Bucket) error { return r.Put(seqKey(13), slices.Clone(r.Get(seqKey(12)))) },
		"one deleted":       func(r, _ *bbolt.Bucket) error { return r.Delete(seqKey(5)) },
		"first deleted":     func(r, _ *bbolt.Bucket) error { return r.Delete(seqKey(1)) },
		"last deleted":      func(r, _ *bbolt.Bucket) error { return r.Delete(seqKey(12)) },
		"number zero added": func(r, _ *bbolt.Bucket) error { return r.Put(seqKey(0), slices.Clone(r.Get(seqKey(1)))) },
		"older state":       func(_, s *bbolt.Bucket) error { return s.Put(stateKey, olderState) },
		"state gone":        func(_, s *bbolt.Bucket) error { return s.Delete(stateKey) },
		"header gone":       func(_, s *bbolt.Bucket) error { return s.Delete(headerKey) },
		"entry beside":      func(_, s *bbolt.Bucket) error { return s.Put([]byte("x"), []byte("x")) },
		"bucket beside": func(r, _ *bbolt.Bucket) error {
			_, err := r.Tx().CreateBucket([]byte("x"))
			return err
		},
		"bucket gone": func(r, _ *bbolt.Bucket) error { return r.Tx().DeleteBucket(recordBucket) },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			changeFile(t, segmentPath(copied, 1), change)
			if err := openAndVerify(copied, testOptions()); !errors.Is(err, ErrDamaged) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

func changeFile(t *testing.T, path string, change func(records, state *bbolt.Bucket) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return change(tx.Bucket(recordBucket), tx.Bucket(stateBucket)) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// Opening alone, without Verify, already looks at the end.
func TestOpenLooksAtTheEnd(t *testing.T) {
	l, dir := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 4)...)
	for name, change := range map[string]func(records, state *bbolt.Bucket) error{
		"last deleted":  func(r, _ *bbolt.Bucket) error { return r.Delete(seqKey(4)) },
		"last repeated": func(r, _ *bbolt.Bucket) error { return r.Put(seqKey(5), slices.Clone(r.Get(seqKey(4)))) },
		"last replaced": func(r, _ *bbolt.Bucket) error { return r.Put(seqKey(4), slices.Clone(r.Get(seqKey(3)))) },
	} {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			changeFile(t, segmentPath(copied, 1), change)
			if _, err := Open(copied, testOptions()); !errors.Is(err, ErrDamaged) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}

// A sealed value opens in its own place only: number, segment and binding are
// part of the seal.
func TestSealIsBoundToItsPlace(t *testing.T) {
	l, _ := newLedger(t)
	s := l.sealer
	other := *s
	other.binding = sha256.Sum256([]byte("other binding"))
	sealed, err := s.sealRecord(Head{Seq: 3}, []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if _, raw, err := s.openRecord(nil, 3, sealed); err != nil || string(raw) != "record" {
		t.Fatalf("in its own place: %q, %v", raw, err)
	}
	if _, _, err := s.openRecord(nil, 4, sealed); err == nil {
		t.Error("it opens under another number")
	}
	if _, _, err := other.openRecord(nil, 3, sealed); err == nil {
		t.Error("it opens under another binding")
	}
	st := l.current.Load()
	sealed, err = s.sealState(st)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.openState(st.segment+1, sealed); err == nil {
		t.Error("a state opens for another segment")
	}
}

// Totals that do not belong to the records are noticed even under the right key.
func TestForgedTotals(t *testing.T) {
	l, dir := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 5)...)
	forge := map[string]func(*state){
		"sum":       func(st *state) { st.running.tally.Sums[0].Amount++ },
		"count":     func(st *state) { st.running.tally.Count++ },
		"unsettled": func(st *state) { st.running.open = nil },
		"last":      func(st *state) { st.running.last["PX7-1"] = 4 },
		"reader":    func(st *state) { st.running.last["PX7-9"] = 1 },
		"start":     func(st *state) { st.start = sha256.Sum256(nil) },
		"base":      func(st *state) { st.base.Chain = sha256.Sum256(nil) },
	}
	for name, change := range forge {
		t.Run(name, func(t *testing.T) {
			copied := copyLedger(t, dir)
			changeFile(t, segmentPath(copied, 1), func(_, s *bbolt.Bucket) error {
				st, err := l.sealer.openState(1, s.Get(stateKey))
				if err != nil {
					return err
				}
				change(st)
				sealed, err := l.sealer.sealState(st)
				return errors.Join(err, s.Put(stateKey, sealed))
			})
			if err := openAndVerify(copied, testOptions()); !errors.Is(err, ErrDamaged) {
				t.Fatalf("it answered %v", err)
			}
		})
	}
}
