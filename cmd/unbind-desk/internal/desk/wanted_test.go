package desk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// queueing is a desk that knows nothing but its store.
func queueing(t testing.TB, base store.Base) *Desk {
	t.Helper()
	s, err := store.New(base)
	if err != nil {
		t.Fatal(err)
	}
	d := &Desk{Parts: Parts{Store: s, Now: time.Now}, bell: newBell()}
	d.believed.Store(&belief{})
	return d
}

var anything = envelope.DigestOf([]byte("anything"))

// waiting is a case in a state, with a manifest that the reader gave a challenge for, and
// a receipt where one is said to be there.
func waiting(tx *store.Tx, id string, state State, gate envelope.ID, receipted bool) (store.Case, error) {
	order, err1 := envelope.Seal(envelope.Type(command.Kind), command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: gate, Set: "set"}, Binding: anything, Case: envelope.ID(id), Device: "ed25519:0000000000000000",
		ID: "id", Level: command.Clear, Profile: command.Named{Digest: anything, ID: "p"}, Reason: "r", Scope: []envelope.ID{}, Terminal: "T", V: 1,
	})
	said, err2 := envelope.Seal(envelope.Type(manifest.Kind), manifest.Manifest{
		Case: envelope.ID(id), Command: anything, Digest: anything, Head: anything, N: 1, Reader: manifest.Reader{RC: make([]byte, 16), SN: "PED"}, Scope: []int64{1}, Sums: []manifest.Sum{}, Terminal: "T", V: 1,
	})
	if err := errors.Join(err1, err2); err != nil {
		return store.Case{}, err
	}
	c := store.Case{ID: envelope.ID(id), Terminal: "T", State: state, Command: anything, Binding: anything, Draft: order.Encode()}
	_, err := tx.AddObject(store.Key{Case: c.ID, Kind: manifest.Kind, N: 1}, store.Object{Digest: said.Digest(), Body: said.Encode()})
	if receipted {
		_, err2 = tx.AddObject(store.Key{Case: c.ID, Kind: receiptOf(grounds.KindBackup), N: 1}, store.Object{Digest: said.Digest()})
	}
	return c, errors.Join(err, err2, tx.PutCase(c))
}

// The queue has what is due and nothing else, from an older desk's store too, which had
// none; and what has ended without a ticket goes out of it.
func TestTheQueueOfTickets(t *testing.T) {
	base := storetest.NewMemory()
	d := queueing(t, base)
	for id, c := range map[string]struct {
		state     State
		gate      envelope.ID
		receipted bool
		due       bool
	}{
		"due":       {BackedUp, command.GateReceipt, true, true},
		"no-backup": {Accepted, command.GateNone, false, true},
		"waits":     {Accepted, command.GateReceipt, false, false},
		"sealed":    {Accepted, command.GateSealed, false, false},
		"over":      {Undone, command.GateReceipt, true, false},
	} {
		var got store.Case
		if err := d.change(func(tx *store.Tx) (err error) { got, err = waiting(tx, id, c.state, c.gate, c.receipted); return err }); err != nil {
			t.Fatal(err)
		}
		if n := len(wantedOf(t, d)); n != 0 {
			t.Fatalf("%s is due before anybody queued it: %d", id, n)
		}
		if err := d.queueOlder("take-over-" + id); err != nil { // as an older desk's
			t.Fatal(err)
		}
		list := wantedOf(t, d)
		if c.due != (len(list) == 1 && list[0] == store.Wanted{Case: got.ID, N: 1}) {
			t.Errorf("%s: due %v, the queue says %v", id, c.due, list)
		}
		got.State = Cancelled
		if err := d.change(func(tx *store.Tx) error { return tx.PutCase(got) }); err != nil {
			t.Fatal(err)
		}
		if n := len(wantedOf(t, d)); n != 0 {
			t.Errorf("%s is over, and still wanted", id)
		}
		if err := d.look(func(tx *store.Tx) error {
			return tx.Wanted(func(w store.Wanted) error { return fmt.Errorf("%s stays in the queue", w.Case) })
		}); err != nil {
			t.Error(err)
		}
	}
}

// sick is a base that does not write, while it is full, and whose rows are garbled by hand.
type sick struct {
	store.Base
	full bool
	why  error // errFull where it is nil
}

var errFull = errors.New("no space left")

func (s *sick) Change(f func(store.Rows) error) error {
	if s.full {
		return cmp.Or(s.why, errFull)
	}
	return s.Base.Change(f)
}

// A queue that cannot be cleaned is read all the same, and cleaned later; a row that does
// not decode is told, once, and stops nobody: not who asks, and not the desk's start.
func TestTheQueueOfTicketsOnASickDisk(t *testing.T) {
	base := &sick{Base: storetest.NewMemory()}
	d := queueing(t, base)
	var told []string
	d.Trouble = func(what string, err error) { told = append(told, fmt.Sprint(what, ": ", err)) }
	spoil := func(table store.Table, like string) {
		t.Helper()
		if err := base.Change(func(r store.Rows) error {
			rows, err := r.List(table, like, "", 9)
			if err != nil || len(rows) != 1 {
				return fmt.Errorf("%d rows like %s, %w", len(rows), like, err)
			}
			return r.Put(table, rows[0].Key, []byte("{"))
		}); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"a-case", "b-draft", "c-manifest", "d-object", "e-row", "f-over", "g-due"}
	var over store.Case
	if err := d.change(func(tx *store.Tx) error {
		for _, id := range names {
			c, err := waiting(tx, id, Accepted, command.GateNone, false)
			if id == "f-over" {
				over = c
			}
			if err := errors.Join(err, d.queue(tx, c, 1)); err != nil {
				return err
			}
			switch id {
			case "b-draft":
				c.Draft = []byte("{")
				err = tx.PutCase(c)
			case "c-manifest": // of a second number, whose body is no envelope
				_, err = tx.AddObject(store.Key{Case: c.ID, Kind: manifest.Kind, N: 2}, store.Object{Digest: anything, Body: []byte("{")})
				err = errors.Join(err, tx.PutWanted(store.Wanted{Case: c.ID, N: 2}))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	spoil("cases", "a-case")
	spoil("objects", "d-object")
	spoil("wanted", "e-row")
	over.State = Undone
	if err := d.change(func(tx *store.Tx) error { return tx.PutCase(over) }); err != nil {
		t.Fatal(err)
	}
	want := []store.Wanted{{Case: "c-manifest", N: 1}, {Case: "e-row", N: 1}, {Case: "g-due", N: 1}}
	asked := func(saying int) {
		t.Helper()
		told = nil
		if list := wantedOf(t, d); !slices.Equal(list, want) {
			t.Errorf("wanted are %v, want %v", list, want)
		}
		if len(told) != saying {
			t.Errorf("%d things are told, want %d: %q", len(told), saying, told)
		}
	}
	base.full = true
	asked(5) // four rows that do not decode, and the disk
	asked(0) // the disk, again
	base.why = errors.New("read-only")
	asked(1)
	asked(0)
	base.full = false
	asked(1) // it is cleaned
	base.full = true
	asked(0) // nothing is left to be taken out

	base.full, told = false, nil
	if err := base.Change(func(r store.Rows) error { // the queue of a desk that had none
		rows, err := r.List("wanted", "", "", 9)
		for _, row := range rows {
			err = errors.Join(err, r.Remove("wanted", row.Key))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.queueOlder("take-over"); err != nil {
		t.Fatal(err)
	}
	if len(told) != 4 {
		t.Errorf("%d rows are told to be passed over, want 4: %q", len(told), told)
	}
	asked(0)
}

func wantedOf(t testing.TB, d *Desk) []store.Wanted {
	t.Helper()
	list, err := d.Wanted()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// What the ticket signer asks for again and again costs the same beside any number of
// open cases.
func BenchmarkTicketsWanted(b *testing.B) {
	for _, cases := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("open=%d", cases), func(b *testing.B) {
			base, err := bolt.Create(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			d := queueing(b, base)
			defer func() { _ = d.Store.Close() }() // it is thrown away
			for at := 0; at < cases; at += 1000 {
				if err := d.change(func(tx *store.Tx) error {
					for i := at; i < at+1000; i++ {
						if err := tx.PutCase(store.Case{ID: envelope.ID(fmt.Sprintf("C-%07d", i)), Terminal: "T", State: Accepted, Command: anything, Binding: anything, Draft: make([]byte, 1200)}); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
			}
			if err := d.change(func(tx *store.Tx) error {
				c, err := waiting(tx, "C-0", BackedUp, command.GateReceipt, true)
				return errors.Join(err, d.queue(tx, c, 1))
			}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if n := len(wantedOf(b, d)); n != 1 {
					b.Fatalf("%d are wanted", n)
				}
			}
		})
	}
}
