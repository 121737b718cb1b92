package store_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// counting is a base that counts the rows it gives out.
type counting struct {
	store.Base
	read int
}

type countingRows struct {
	store.Rows
	of *counting
}

func (c *counting) Change(f func(store.Rows) error) error {
	return c.Base.Change(func(r store.Rows) error { return f(countingRows{r, c}) })
}

func (c *counting) Look(f func(store.Rows) error) error {
	return c.Base.Look(func(r store.Rows) error { return f(countingRows{r, c}) })
}

func (r countingRows) Get(t store.Table, key string) ([]byte, error) {
	r.of.read++
	return r.Rows.Get(t, key)
}

func (r countingRows) List(t store.Table, prefix, after string, limit int) ([]store.Row, error) {
	rows, err := r.Rows.List(t, prefix, after, limit)
	r.of.read += len(rows)
	return rows, err
}

// What an operator asks reads a page, and no more where there are forty times as
// many cases, alarms and messages.
func TestListsReadAPage(t *testing.T) {
	for _, n := range []int{100, 4_000} {
		c := &counting{Base: storetest.NewMemory()}
		s, err := store.New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Change(func(tx *store.Tx) error { return many(tx, n) }); err != nil {
			t.Fatal(err)
		}
		const page = 20
		middle := fmt.Sprintf("C-%05d", n/2)
		for what, ask := range map[string]func(*store.Tx) (int, error){
			"list": func(tx *store.Tx) (int, error) { return length(tx.CasesBy(store.By{}, "", page)) },
			"list, middle": func(tx *store.Tx) (int, error) {
				return length(tx.CasesBy(store.By{}, hex.EncodeToString([]byte(middle)), page))
			},
			"state": func(tx *store.Tx) (int, error) { return length(tx.CasesBy(store.By{State: "gone"}, "", page)) },
			"state, middle": func(tx *store.Tx) (int, error) {
				return length(tx.CasesBy(store.By{State: "gone"}, hex.EncodeToString([]byte(keyOf(n/2)+middle)), page))
			},
			"terminal": func(tx *store.Tx) (int, error) { return length(tx.CasesBy(store.By{Terminal: "T-00007"}, "", page)) },
			"alarms":   func(tx *store.Tx) (int, error) { return length(tx.Alarms("", "", page)) },
			"due":      func(tx *store.Tx) (int, error) { _, err := tx.FirstHook("p", nil); return 1, err },
		} {
			got, before := 0, c.read
			if err := s.Look(func(tx *store.Tx) (err error) { got, err = ask(tx); return err }); err != nil {
				t.Fatal(err)
			}
			if read := c.read - before; got == 0 || read > 2*page+1 {
				t.Errorf("%s among %d: %d entries, %d rows read", what, n, got, read)
			}
		}
	}
}

func length[T any](list []T, err error) (int, error) { return len(list), err }

func many(tx *store.Tx, n int) error {
	for i := range n {
		c := store.Case{
			ID: envelope.ID(fmt.Sprintf("C-%05d", i)), Terminal: envelope.ID(fmt.Sprintf("T-%05d", i/2)), State: "gone", Since: int64(i),
			Command: leafOf(i), Binding: leafOf(i),
		}
		if err := tx.PutCase(c); err != nil {
			return err
		}
		if err := tx.PutAlarm(store.Alarm{Kind: "zombie", About: string(c.ID)}); err != nil {
			return err
		}
		// Each was tried in vain and put off, but for the last.
		h := store.Hook{Partner: "p", Next: int64(1_000_000 - i)}
		if err := tx.AddHook(h); err != nil {
			return err
		}
	}
	return nil
}

// A message that was put off is due behind the others, and one that was delivered
// nowhere any more.
func TestTheFirstThatIsDueIsFound(t *testing.T) {
	s, err := store.New(storetest.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	first := func(tx *store.Tx) (n int64) {
		h, err := tx.FirstHook("p", nil)
		if err != nil {
			return 0
		}
		return h.N
	}
	if err := s.Change(func(tx *store.Tx) error {
		for range 3 {
			if err := tx.AddHook(store.Hook{Partner: "p", Next: 5}); err != nil {
				return err
			}
		}
		if got := first(tx); got != 1 {
			t.Errorf("due is %d, want 1", got)
		}
		if err := tx.PutHook(store.Hook{Partner: "p", N: 1, Next: 9}); err != nil {
			return err
		}
		if got := first(tx); got != 2 {
			t.Errorf("due is %d, want 2", got)
		}
		for _, n := range []int64{2, 3} {
			if err := tx.RemoveHook(store.Hook{Partner: "p", N: n}); err != nil {
				return err
			}
		}
		if got := first(tx); got != 1 {
			t.Errorf("due is %d, want 1 again", got)
		}
		return tx.RemoveHook(store.Hook{Partner: "p", N: 1})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Look(func(tx *store.Tx) error {
		if got := first(tx); got != 0 {
			t.Errorf("due is %d, want none", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A large store of an older desk is taken over a page at a time; cut after any
// commit it goes on, and in the end every case is found by its terminal.
func TestATakeoverGoesOnWhereItWasCut(t *testing.T) {
	b := storetest.NewMemory()
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	const n = 2_200
	if err := s.Change(func(tx *store.Tx) error { return many(tx, n) }); err != nil {
		t.Fatal(err)
	}
	if err := b.Change(func(r store.Rows) error { return unowned(r, n) }); err != nil {
		t.Fatal(err)
	}
	cuts, told := 0, int64(0)
	for {
		b.FailNext(true)
		_, err := store.Open(b, func(_ string, rows int64) { told = max(told, rows) }, func(string, string, error) {})
		b = b.Reopen()
		if err == nil {
			break
		}
		if cuts++; cuts > 20 {
			t.Fatal("the takeover comes to no end")
		}
	}
	if s, err = store.Open(b, func(_ string, rows int64) { told = max(told, rows) }, func(string, string, error) {}); err != nil {
		t.Fatal(err)
	}
	if cuts < 3 || told == n {
		t.Errorf("%d cuts, %d rows told: it was one transaction", cuts, told)
	}
	if err := s.Look(func(tx *store.Tx) error {
		for i := 0; i < n/2; i += 50 {
			list, err := tx.CasesBy(store.By{Terminal: envelope.ID(fmt.Sprintf("T-%05d", i))}, "", 5)
			if err != nil || len(list) != 2 {
				t.Fatalf("terminal %d has %d cases, %v", i, len(list), err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// unowned takes away what an older desk did not write.
func unowned(r store.Rows, n int) error {
	rows, err := r.List("owners", "", "", n)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := r.Remove("owners", row.Key); err != nil {
			return err
		}
	}
	return r.Remove("counters", "cases-owned")
}

// Places that stand for no message, as an older desk left them when it delivered or
// put off what it knew by number alone, keep none that is due from being sent, and go.
func TestAStalePlaceSilencesNobody(t *testing.T) {
	b := storetest.NewMemory()
	s, err := store.New(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Change(func(tx *store.Tx) error {
		for _, next := range []int64{5, 6, 7, 8} {
			if err := tx.AddHook(store.Hook{Partner: "p", Next: next}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.Change(func(r store.Rows) error { // one delivered, one put off
		return errors.Join(r.Remove("hooks", "p\x00"+keyOf(1)), r.Put("hooks", "p\x00"+keyOf(2), []byte(`{"partner":"p","n":2,"next":9}`)))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Change(func(tx *store.Tx) error {
		for _, want := range []int64{3, 4, 2} {
			h, err := tx.FirstHook("p", nil)
			if err != nil || h.N != want {
				t.Errorf("due is %d, %v, want %d", h.N, err, want)
			}
			if stale, err := tx.StaleHooks("p"); err != nil || stale != (want == 3) {
				t.Errorf("before %d: stale is %v, %v", want, stale, err)
			}
			if err := errors.Join(tx.DropStaleHooks("p"), tx.RemoveHook(h)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.Look(func(r store.Rows) error {
		rows, err := r.List("due", "", "", 9)
		if len(rows) > 0 {
			t.Errorf("%d places are left of nothing", len(rows))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
