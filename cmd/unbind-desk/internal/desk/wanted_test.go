package desk

import (
	"errors"
	"fmt"
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
		if err := d.Store.SweepCases("take-over-"+id, d.queueCase); err != nil { // as an older desk's
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
