package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

func create(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.New(storetest.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever is added in whatever order, the log has every object once, in order,
// and an object is never written over.
func TestLogIsAppendOnly(t *testing.T) {
	s := create(t)
	var want []envelope.Digest
	rapid.Check(t, func(r *rapid.T) {
		k := store.Key{
			Case: envelope.ID(rapid.SampledFrom([]string{"C-1", "C-2"}).Draw(r, "case")),
			Kind: rapid.SampledFrom([]string{"answer", "manifest"}).Draw(r, "kind"), N: rapid.Int64Range(1, 9).Draw(r, "n"),
		}
		digest := envelope.DigestOf([]byte(rapid.String().Draw(r, "body")))
		fails := rapid.Bool().Draw(r, "fails")
		var there bool
		err := s.Change(func(tx *store.Tx) error {
			_, err := tx.Object(k)
			there = err == nil
			o, err := tx.AddObject(k, store.Object{Digest: digest})
			if err == nil && o.Leaf != int64(len(want)) {
				r.Fatalf("leaf %d, want %d", o.Leaf, len(want))
			}
			if err == nil && fails {
				err = io.ErrUnexpectedEOF
			}
			return err
		})
		if (err == nil) != (!there && !fails) {
			r.Fatalf("there before: %v, fails: %v, got %v", there, fails, err)
		}
		if err == nil {
			want = append(want, digest)
		}
	})
	if err := s.Look(func(tx *store.Tx) error {
		for i, w := range want {
			if got, err := tx.Leaf(int64(i)); err != nil || got != w {
				t.Errorf("leaf %d is %s, want %s: %v", i, got, w, err)
			}
		}
		_, err := tx.Leaf(int64(len(want)))
		if !errors.Is(err, store.ErrAbsent) {
			t.Errorf("there is a leaf too many: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A change that fails takes none of the changes that share its commit with it.
func TestBatchMatesSurviveAFailure(t *testing.T) {
	s := create(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := s.Change(func(tx *store.Tx) error {
				if _, err := tx.Count("n"); err != nil {
					return err
				}
				if i%4 == 0 {
					return io.ErrUnexpectedEOF
				}
				return nil
			})
			if (err != nil) != (i%4 == 0) {
				t.Errorf("change %d: %v", i, err)
			}
		})
	}
	all.Wait()
	if err := s.Change(func(tx *store.Tx) error {
		n, err := tx.Count("n")
		if n != 31 {
			t.Errorf("the counter is %d, want 31", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestObjectsByNumber(t *testing.T) {
	s := create(t)
	add := func(k store.Key) error {
		return s.Change(func(tx *store.Tx) error {
			_, err := tx.AddObject(k, store.Object{Digest: envelope.DigestOf(nil)})
			return err
		})
	}
	for _, k := range []store.Key{{"C-1", "answer", 10}, {"C-1", "answer", 9}, {"C-1", "answers", 1}, {"C-10", "answer", 1}, {"C-1", "manifest", 1}} {
		if err := add(k); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Look(func(tx *store.Tx) error {
		var got []int64
		err := tx.Objects("C-1", "answer", func(o store.Object) error { got = append(got, o.N); return nil })
		if len(got) != 2 || got[0] != 9 || got[1] != 10 {
			t.Errorf("the answers are %v", got)
		}
		newest, err2 := tx.Newest("C-1", "answer")
		if newest.N != 10 {
			t.Errorf("the newest is %d", newest.N)
		}
		kinds := map[string]int{}
		err3 := tx.Kinds("C-1", func(kind string, _ store.Object) error { kinds[kind]++; return nil })
		if len(kinds) != 3 || kinds["answer"] != 2 {
			t.Errorf("the kinds are %v", kinds)
		}
		return errors.Join(err, err2, err3)
	}); err != nil {
		t.Fatal(err)
	}
}

// older fills a base as a desk before the tree did: leaves and cases, and
// nothing that counts or finds them.
func older(t *testing.T, b store.Base, leaves int) {
	t.Helper()
	err := b.Change(func(r store.Rows) error {
		var err error
		for i := range leaves {
			key := string(binary.BigEndian.AppendUint64(nil, uint64(i)))
			err = errors.Join(err, r.Put("log", key, []byte(`"`+string(leafOf(i))+`"`)))
		}
		err = errors.Join(err, r.Put("cases", "C-1", []byte(`{"id":"C-1","terminal":"T-1","state":"issued","since":7,"command":"`+string(leafOf(1))+`","binding":"`+string(leafOf(2))+`"}`)))
		return errors.Join(err, r.Put("history", "C-1\x00"+string(binary.BigEndian.AppendUint64(nil, 40)), []byte(`{"at":1,"state":"issued","what":"old"}`)))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func leafOf(i int) envelope.Digest { return envelope.DigestOf([]byte(fmt.Sprint("leaf ", i))) }

// A log that is a list of digests becomes a tree over the same leaves, and goes
// on; cut in the middle, it goes on where it stopped.
func TestOlderLogBecomesATree(t *testing.T) {
	for _, n := range []int{0, 1, 2, 255, 256, 257, 700} {
		b := storetest.NewMemory()
		older(t, b, n)
		for { // every commit of the take-over is followed by a cut
			b.FailNext(true)
			_, err := store.New(b)
			if b = b.Reopen(); err == nil {
				break
			}
			if !errors.Is(err, store.ErrUnknown) {
				t.Fatal(err)
			}
			if done(t, b) {
				break
			}
		}
		s, err := store.New(b)
		if err != nil {
			t.Fatal(err)
		}
		checkTree(t, s, n)
		var added store.Object
		if err := s.Change(func(tx *store.Tx) (err error) {
			added, err = tx.AddObject(store.Key{Case: "C-1", Kind: "answer", N: 1}, store.Object{Digest: leafOf(n)})
			return errors.Join(err, tx.Note("C-1", store.Entry{What: "new"}))
		}); err != nil || added.Leaf != int64(n) {
			t.Fatalf("after %d old leaves a new one is %d, %v", n, added.Leaf, err)
		}
		checkTree(t, s, n+1)
		checkOlderCase(t, s)
	}
}

// done says whether the take-over has come to its end.
func done(t *testing.T, b store.Base) bool {
	t.Helper()
	whole := false
	if err := b.Look(func(r store.Rows) error {
		_, err := r.Get("counters", "hooks-found")
		whole = err == nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return whole
}

func checkTree(t *testing.T, s *store.Store, n int) {
	t.Helper()
	var all []merkle.Hash
	for i := range n {
		_, made, err := merkle.Append(int64(i), leafOf(i), func(numbers []int64) (out []merkle.Hash, _ error) {
			for _, k := range numbers {
				out = append(out, all[k])
			}
			return out, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made...)
	}
	if err := s.Look(func(tx *store.Tx) error {
		size, err := tx.Size()
		if err != nil || size != int64(n) {
			t.Fatalf("the log has %d leaves, want %d: %v", size, n, err)
		}
		for i, want := range all {
			if got, err := tx.Hashes([]int64{int64(i)}); err != nil || got[0] != want {
				t.Fatalf("hash %d of %d leaves: %v", i, n, err)
			}
		}
		if _, err := tx.Hashes([]int64{int64(len(all))}); !errors.Is(err, store.ErrAbsent) {
			t.Errorf("there is a hash too many: %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func checkOlderCase(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Look(func(tx *store.Tx) error {
		history, err := tx.History("C-1")
		if len(history) != 2 || history[0].What != "old" || history[1].What != "new" {
			t.Errorf("the history is %v", history)
		}
		found, err2 := tx.CasesBy(store.By{State: "issued"}, "", 8)
		if len(found) != 1 {
			t.Errorf("an older case is found %d times by its state", len(found))
		}
		return errors.Join(err, err2)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestCasesByState(t *testing.T) {
	s := create(t)
	put := func(c store.Case) {
		c.Terminal, c.Command, c.Binding = "T-1", leafOf(1), leafOf(2)
		if err := s.Change(func(tx *store.Tx) error { return tx.PutCase(c) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 9 {
		put(store.Case{ID: envelope.ID(fmt.Sprint("C-", i)), State: "issued", Since: int64(100 - i)})
	}
	put(store.Case{ID: "C-3", State: "gone", Since: 200})
	put(store.Case{ID: "C-4", State: "issued", Since: 1})
	var got []envelope.ID
	listed := func(by store.By) []store.Found {
		var all []store.Found
		for place := ""; ; place = all[len(all)-1].Place { // by twos, as somebody pages through them
			var page []store.Found
			if err := s.Look(func(tx *store.Tx) (err error) { page, err = tx.CasesBy(by, place, 2); return err }); err != nil {
				t.Fatal(err)
			}
			if all = append(all, page...); len(page) < 2 {
				return all
			}
		}
	}
	for _, c := range listed(store.By{State: "issued"}) {
		if got = append(got, c.ID); len(c.Draft) != 0 {
			t.Errorf("%s comes with its draft", c.ID)
		}
	}
	if want := "[C-4 C-8 C-7 C-6 C-5 C-2 C-1 C-0]"; fmt.Sprint(got) != want {
		t.Errorf("issued: %v, want %s", got, want)
	}
	if n, of := len(listed(store.By{})), len(listed(store.By{Terminal: "T-1"})); n != 9 || of != 9 {
		t.Errorf("%d cases, %d of the terminal", n, of)
	}
}

// Two commands of one enrolment never have one number.
func TestCommandNumbersAreUnique(t *testing.T) {
	s := create(t)
	reserve := func(terminal envelope.ID, epoch, seq int64) error {
		return s.Change(func(tx *store.Tx) error { return tx.AddNumber(terminal, epoch, seq, "C-1") })
	}
	if err := errors.Join(reserve("T-1", 1, 1), reserve("T-1", 1, 2), reserve("T-1", 2, 1), reserve("T-2", 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := reserve("T-1", 1, 2); !errors.Is(err, store.ErrTaken) {
		t.Fatalf("a number was given twice: %v", err)
	}
}

// A change that another one came before runs again until it goes through.
func TestChangeRunsAgain(t *testing.T) {
	s := create(t)
	runs := 0
	if err := s.Change(func(tx *store.Tx) error {
		if runs++; runs < 4 {
			if err := s.Change(func(tx *store.Tx) error { _, err := tx.Count("other"); return err }); err != nil {
				t.Fatal(err)
			}
		}
		_, err := tx.Count("n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Look(func(tx *store.Tx) error {
		if n, err := tx.Counted("n"); n != 1 || runs != 4 || err != nil {
			t.Errorf("%d runs counted to %d, %v", runs, n, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
