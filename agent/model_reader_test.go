package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"unbindd/device"
)

// modelReader stands in for reader, line and driver, with the contract of
// docs/WIRE-READER.md: what it was told is durable in it; it erases once a
// challenge and only for the ticket that answers it; its counter moves by one;
// an answer may be lost after the deed. What the agent does with its answers is
// the code's (reader_erase.go and its neighbours).
type modelReader struct {
	w    *world
	key  ed25519.PrivateKey
	mode string // what it is at: see the modes

	held    []device.Event // not acknowledged yet
	last    uint32         // the newest number
	frozen  bool
	keys    map[uint16]bool
	counter uint32
	rc      [16]byte
	draws   byte
	asked   [32]byte // the command of the challenge
	order   [32]byte // the one it erased for
	record  device.EraseRecord
	boots   uint32
	cycles  int
	told    int // orders to erase after it had erased
}

// The modes of a reader.
const (
	readerOK      = "ok"
	readerGone    = "gone"
	readerRefuses = "refuses"
	readerHalf    = "half"
	readerForeign = "foreign"
)

var readerSlots = []uint16{1, 2}

func newModelReader(w *world) *modelReader {
	return &modelReader{w: w, key: w.m.readerKey, mode: readerOK, keys: map[uint16]bool{1: true, 2: true}, counter: 7, boots: 1}
}

var (
	errSilent = errors.New("the reader does not answer")
	errLost   = errors.New("the answer was lost")
)

// ask is one question: it may be lost before the deed or its answer after it.
func (r *modelReader) ask(do func() error) error {
	w := r.w
	w.step("reader")
	switch {
	case r.mode == readerGone:
		if r.cycles++; r.cycles == 1 {
			w.a.away.Add(1)
		}
		w.a.lost = longAgo
		return errSilent
	case r.mode == readerForeign:
		return device.ErrForeign{Serial: "PED-0002"}
	case w.loses("request"):
		return errLost
	}
	r.cycles, w.a.lost = 0, never
	err := do()
	w.step("reader")
	if w.loses("reply") {
		return errLost
	}
	return err
}

// comes is a reader that answers again after it was away.
func (r *modelReader) comes(mode string) {
	if r.mode == readerGone || mode != r.mode {
		r.boots++
	}
	r.mode = mode
}

func (r *modelReader) event(code uint16, body string) {
	r.last++
	r.held = append(r.held, device.Event{Seq: r.last, Code: code, Body: []byte(body)})
}

func (r *modelReader) keysLeft() (n int) {
	for _, full := range r.keys {
		if full {
			n++
		}
	}
	return n
}

func (r *modelReader) Identify(context.Context) (who device.Identity, err error) {
	err = r.ask(func() error {
		who = device.Identity{Driver: "pedlink", Serial: boundReader, EraseCounter: r.counter, BootCount: r.boots, Frozen: r.frozen}
		return nil
	})
	return who, err
}

func (r *modelReader) Capabilities(context.Context) (can []device.Capability, err error) {
	err = r.ask(func() error {
		can = []device.Capability{device.CanEvents, device.CanFreeze, device.CanTamper, device.CanList, device.CanProbe, device.CanErase, device.CanRestart}
		return nil
	})
	return can, err
}

func (r *modelReader) Tamper(context.Context) (device.Tamper, error) {
	return device.Tamper{}, r.ask(func() error { return nil })
}

func (r *modelReader) SAMSlots(context.Context) ([]device.SAM, error) {
	return nil, device.ErrUnsupported
}

func (r *modelReader) Slots(context.Context) (all []device.Slot, err error) {
	err = r.ask(func() error {
		for _, id := range readerSlots {
			s := device.Slot{ID: id, Type: "TMK", State: device.SlotEmpty}
			if r.keys[id] {
				s.State, s.KCV, s.Method = device.SlotLoaded, "a1b2c3", "zero-block"
			}
			all = append(all, s)
		}
		return nil
	})
	return all, err
}

func (r *modelReader) Probe(_ context.Context, slot uint16) error {
	return r.ask(func() error {
		if !r.keys[slot] {
			return device.ErrNoKey
		}
		return nil
	})
}

func (r *modelReader) Follow(_ context.Context, after uint32) (b device.Backlog, err error) {
	err = r.ask(func() error {
		b = device.Backlog{First: r.last + 1, Last: r.last}
		if len(r.held) > 0 {
			b.First = r.held[0].Seq
		}
		if after+1 < b.First {
			b.Lost = b.First - after - 1
		}
		return nil
	})
	return b, err
}

func (r *modelReader) Next(_ context.Context, most int) (events []device.Event, err error) {
	err = r.ask(func() error {
		events = append(events, r.held[:min(most, len(r.held))]...)
		return nil
	})
	return events, err
}

func (r *modelReader) Acknowledge(_ context.Context, upTo uint32) error {
	return r.ask(func() error {
		for len(r.held) > 0 && r.held[0].Seq <= upTo {
			r.w.acknowledged(r.held[0])
			r.held = r.held[1:]
		}
		return nil
	})
}

func (r *modelReader) Freeze(context.Context) error {
	return r.ask(func() error { r.frozen = true; return nil })
}

func (r *modelReader) Thaw(context.Context) error {
	return r.ask(func() error { r.frozen = false; return nil })
}

func (r *modelReader) BeginErase(_ context.Context, order [32]byte, scope []uint16) (ch device.EraseChallenge, err error) {
	err = r.ask(func() error {
		r.draws++
		r.rc, r.asked = [16]byte{r.draws}, order
		ch = device.EraseChallenge{RC: r.rc, EraseCounter: r.counter}
		return nil
	})
	return ch, err
}

func (r *modelReader) CancelErase(context.Context) error {
	return r.ask(func() error { r.rc = [16]byte{}; return nil })
}

func (r *modelReader) EraseStatus(_ context.Context, order [32]byte) (rec device.EraseRecord, done bool, err error) {
	err = r.ask(func() error {
		done = r.record.Serial != "" && r.order == order
		if rec = r.record; !done {
			rec = device.EraseRecord{}
		}
		return nil
	})
	if r.w.bug == bugBlindErase {
		return device.EraseRecord{}, false, err
	}
	return rec, done, err
}

// CommitErase is the act that cannot be taken back. The ticket of the model is
// the message of ticket.Order, without a signature.
func (r *modelReader) CommitErase(_ context.Context, ticket []byte, nonce [16]byte) (rec device.EraseRecord, err error) {
	err = r.ask(func() error {
		if r.record.Serial != "" {
			r.told++
			return device.ErrRefused{Code: device.CodeNoChallenge}
		}
		switch {
		case r.mode == readerRefuses:
			return device.ErrRefused{Code: device.CodeEraseRefused}
		case r.rc == [16]byte{} || string(ticket) != string(r.w.ticketFor(r.rc, r.counter)):
			return device.ErrRefused{Code: device.CodeTicketStale}
		case len(r.held) > 0:
			return device.ErrRefused{Code: device.CodeEventsHeld}
		}
		r.w.mayErase("erase-reader-keys")
		r.counter++
		r.rc = [16]byte{}
		rec = device.EraseRecord{Serial: boundReader, EraseCounter: r.counter, Ticket: r.w.m.orderDigest(ticket), Nonce: nonce}
		for i, slot := range readerSlots {
			result := device.ResultErased
			if r.mode == readerHalf && i > 0 {
				result = device.ResultFailed
			} else {
				r.keys[slot] = false
			}
			rec.Results = append(rec.Results, device.SlotResult{Slot: slot, Result: result})
		}
		rec.Signature = r.w.m.signRecord(rec)
		r.record, r.order = rec, r.asked
		return nil
	})
	return rec, err
}

func (r *modelReader) DeleteKeys(context.Context, []uint16) error { return device.ErrUnsupported }

func (r *modelReader) Reopen(context.Context) error { return r.ask(func() error { return nil }) }

func (r *modelReader) Reboot(context.Context) error {
	return r.ask(func() error { r.boots++; return nil })
}

func (r *modelReader) Status() device.Status { return device.Status{Cycles: r.cycles} }

func (r *modelReader) Stats() device.Stats { return device.Stats{} }

func (r *modelReader) Close() error { return nil }

// saleBody is what the ledger and the backup hold of a transaction.
func saleBody(n uint32) string { return sales[n%uint32(len(sales))] }

var sales = func() (all [256]string) {
	for i := range all {
		all[i] = fmt.Sprintf("sale-%d", i)
	}
	return all
}()
