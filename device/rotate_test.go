package device_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"unbindd/device"
)

const (
	linkKey   = 1
	ticketKey = 2
	recordKey = 3
)

// rotation signs an order for a new value; change may spoil the fields first.
func (b *bench) rotation(which byte, counter uint32, value []byte, change ...func(fields [][]byte)) []byte {
	digest := sha256.Sum256(value)
	fields := [][]byte{
		[]byte("pedlink-rotation/1"), []byte(b.serial), binary.BigEndian.AppendUint32(nil, counter), {which}, digest[:],
	}
	for _, f := range change {
		f(fields)
	}
	return signTicket(b.ticketKey, fields)
}

func secret(t *testing.T, key []byte) device.Secret {
	t.Helper()
	s, err := device.NewSecret(key)
	must(t, err)
	return s
}

var newLink = bytes.Repeat([]byte{0xC5, 0x3A, 0x77, 0x19}, 4)

func pairedWith(s device.Secret) func(*device.Options) {
	return func(o *device.Options) { o.Pairing = s }
}

func TestLinkKeyIsRotatedAndTheOldOneDies(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	order := b.rotation(linkKey, 0, newLink)
	for range 2 { // the second time it is the answer alone that comes again
		must(t, r.RotateLink(testContext(t), order, secret(t, newLink)))
		if id := identifyWhenBack(t, r); id.Rotations != 1 {
			t.Errorf("rotation counter %d", id.Rotations)
		}
		b.forgot(b.injection.Pairing)
	}
	must(t, r.Reopen(testContext(t)))
	must(t, r.Freeze(testContext(t))) // the Reader goes on with the new key by itself
	must(t, r.Close())
	if _, err := b.reader(pairedWith(secret(t, b.injection.Pairing))).Slots(testContext(t)); !errors.Is(err, device.ErrLocked) {
		t.Errorf("with the old key: %v", err)
	}
}

// forgot looks for a key in the memory file, in every form in which it could lie there.
func (b *bench) forgot(key []byte) {
	b.t.Helper()
	image, err := os.ReadFile(b.nvm)
	must(b.t, err)
	for _, form := range [][]byte{key, []byte(base64.StdEncoding.EncodeToString(key))} {
		if bytes.Contains(image, form) {
			b.t.Error("the old key is still in the memory file")
		}
	}
}

// A terminal that was cut down around the order starts with both keys, whatever the reader has by then.
func TestHalfARotationIsFinishedWithBothKeys(t *testing.T) {
	for name, c := range map[string]struct{ asked, proven bool }{
		"before the order": {}, "after the order": {asked: true}, "after the proof": {asked: true, proven: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			order := b.rotation(linkKey, 0, newLink)
			first := b.reader()
			switch {
			case c.proven:
				must(t, first.RotateLink(testContext(t), order, secret(t, newLink)))
			case c.asked:
				must(t, device.OrderLink(testContext(t), first, order, secret(t, newLink)))
			}
			must(t, first.Close())
			must(t, b.sim.Cut())
			b.start()
			second := b.reader(func(o *device.Options) { o.Successor = secret(t, newLink) })
			must(t, second.RotateLink(testContext(t), order, secret(t, newLink)))
			must(t, second.Close())
			if _, err := b.reader(pairedWith(secret(t, newLink))).Slots(testContext(t)); err != nil {
				t.Errorf("with the new key alone: %v", err)
			}
		})
	}
}

var thirdLink = bytes.Repeat([]byte{0x11, 0xE2, 0x90, 0x5D}, 4)

// A rotation that was cut down between the proof and the caller's note leaves the reader with the successor alone. The
// next rotation must not put a third key in its place.
func TestSuccessorIsNotForgottenForAThirdKey(t *testing.T) {
	b := newBench(t)
	first := b.reader()
	must(t, first.RotateLink(testContext(t), b.rotation(linkKey, 0, newLink), secret(t, newLink)))
	must(t, first.Close())
	second := b.reader(func(o *device.Options) { o.Successor = secret(t, newLink) })
	bad := b.rotation(linkKey, 9, thirdLink) // the counter is another
	if err := second.RotateLink(testContext(t), bad, secret(t, thirdLink)); !refusedWith(err, device.CodeOrderCounter) {
		t.Fatalf("error %v", err)
	}
	must(t, second.Reopen(testContext(t)))
	_, err := second.Slots(testContext(t))
	must(t, err)
	must(t, second.RotateLink(testContext(t), b.rotation(linkKey, 1, thirdLink), secret(t, thirdLink)))
	must(t, second.Close())
	if _, err := b.reader(pairedWith(secret(t, thirdLink))).Slots(testContext(t)); err != nil {
		t.Errorf("with the third key: %v", err)
	}
}

// While it is not known whether the reader has a successor, there is no room for a third key.
func TestThirdKeyIsRefusedWhileTwoAreOpen(t *testing.T) {
	b := newBench(t)
	r := b.reader(func(o *device.Options) { o.Successor = secret(t, newLink) }) // the reader has not got it yet
	if err := r.RotateLink(testContext(t), b.rotation(linkKey, 0, thirdLink), secret(t, thirdLink)); err == nil {
		t.Error("the third key was taken")
	}
	if id := identifyWhenBack(t, r); id.Rotations != 0 {
		t.Errorf("rotation counter %d", id.Rotations)
	}
	must(t, r.RotateLink(testContext(t), b.rotation(linkKey, 0, newLink), secret(t, newLink)))
	must(t, r.RotateLink(testContext(t), b.rotation(linkKey, 1, thirdLink), secret(t, thirdLink)))
}

// A refused order leaves no key behind that would stand in the way of a better one.
func TestRefusedOrderLeavesNoSuccessor(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	if err := r.RotateLink(testContext(t), b.rotation(linkKey, 9, newLink), secret(t, newLink)); !refusedWith(err, device.CodeOrderCounter) {
		t.Fatalf("error %v", err)
	}
	must(t, r.RotateLink(testContext(t), b.rotation(linkKey, 0, thirdLink), secret(t, thirdLink)))
}

// An order alone takes nothing from a terminal that never heard the answer and knows the old key only.
func TestOldLinkKeyStaysUntilTheNewOneIsProven(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	must(t, device.OrderLink(testContext(t), r, b.rotation(linkKey, 0, newLink), secret(t, newLink)))
	must(t, r.Close())
	for range 2 {
		must(t, b.sim.Cut())
		b.start()
		r := b.reader()
		_, err := r.Slots(testContext(t))
		must(t, err)
		must(t, r.Close())
	}
	r = b.reader(pairedWith(secret(t, newLink)))
	_, err := r.Slots(testContext(t))
	must(t, err)
}

func TestTicketKeyIsRotated(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	next := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	pub := next.Public().(ed25519.PublicKey)
	order := b.rotation(ticketKey, 0, pub)
	for range 2 { // signed by the old key: it is known again all the same
		must(t, r.RotateTicketKey(testContext(t), order, pub))
	}
	if _, err := b.erase(r); !refusedWith(err, device.CodeTicketForged) {
		t.Errorf("a ticket by the old key: %v", err)
	}
	b.ticketKey = next
	_, err := b.erase(r)
	must(t, err)
}

func TestRecordKeyIsRotated(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	order := b.rotation(recordKey, 0, nil)
	made, err := r.RotateRecordKey(testContext(t), order)
	must(t, err)
	must(t, made.Verify(b.injection.Pub))
	if made.Serial != b.serial || made.Rotations != 1 || bytes.Equal(made.Key, b.injection.Pub) {
		t.Errorf("made %+v", made)
	}
	again, err := r.RotateRecordKey(testContext(t), order)
	if err != nil || !bytes.Equal(again.Key, made.Key) {
		t.Errorf("the same order made another key: %v", err)
	}
	must(t, b.sim.Cut())
	b.start()
	if id := identifyWhenBack(t, r); !bytes.Equal(id.RecordKey, made.Key) {
		t.Error("INFO tells another key")
	}
	record, err := b.erase(r)
	must(t, err)
	must(t, record.Verify(made.Key))
	if record.Verify(b.injection.Pub) == nil {
		t.Error("the old key still signs")
	}
	made.Rotations++
	if made.Verify(b.injection.Pub) == nil {
		t.Error("a changed answer verifies")
	}
}

func TestBadOrdersChangeNothing(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	pub := b.ticketKey.Public().(ed25519.PublicKey)
	good := b.rotation(ticketKey, 0, pub)
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	set := func(i int, v []byte) func([][]byte) { return func(f [][]byte) { f[i] = v } }
	for name, c := range map[string]struct {
		order []byte
		code  device.Code
	}{
		"cut short":        {good[:len(good)-1], device.CodeOrderForm},
		"another label":    {b.rotation(ticketKey, 0, pub, set(0, []byte("pedlink-ticket/1"))), device.CodeOrderForm},
		"an unknown key":   {b.rotation(9, 0, pub), device.CodeOrderForm},
		"forged":           {forged, device.CodeOrderForged},
		"another reader":   {b.rotation(ticketKey, 0, pub, set(1, []byte("PED-0000"))), device.CodeOrderSerial},
		"another counter":  {b.rotation(ticketKey, 1, pub), device.CodeOrderCounter},
		"another value":    {b.rotation(ticketKey, 0, pub[:31]), device.CodeOrderValue},
		"not wrapped":      {b.rotation(linkKey, 0, pub), device.CodeOrderValue},
		"a value too many": {b.rotation(recordKey, 0, nil), device.CodeOrderValue},
	} {
		if err := r.RotateTicketKey(testContext(t), c.order, pub); !refusedWith(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if id := identifyWhenBack(t, r); id.Rotations != 0 || !bytes.Equal(id.RecordKey, b.injection.Pub) {
		t.Errorf("identity %+v", id)
	}
}

func TestAnOrderIsCarriedOutOnce(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	pub := b.ticketKey.Public().(ed25519.PublicKey)
	first, second := b.rotation(ticketKey, 0, pub), b.rotation(recordKey, 1, nil)
	must(t, r.RotateTicketKey(testContext(t), first, pub))
	_, err := r.RotateRecordKey(testContext(t), second)
	must(t, err)
	if err := r.RotateTicketKey(testContext(t), first, pub); !refusedWith(err, device.CodeOrderCounter) {
		t.Errorf("an old order: %v", err)
	}
}

// openCases bring a reader into a state in which nothing of it may change.
var openCases = map[string]func(b *bench, r *device.Reader){
	"frozen":   func(b *bench, r *device.Reader) { must(b.t, r.Freeze(testContext(b.t))) },
	"tampered": func(b *bench, _ *device.Reader) { must(b.t, b.sim.Tamper()) },
	"challenged": func(b *bench, r *device.Reader) {
		_, err := r.BeginErase(testContext(b.t), order, b.scope())
		must(b.t, err)
	},
}

// A case that is open rests on the keys it began with.
func TestNoRotationInAnOpenCase(t *testing.T) {
	for name, open := range openCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := b.reader()
			open(b, r)
			if _, err := r.RotateRecordKey(testContext(t), b.rotation(recordKey, 0, nil)); !refusedWith(err, device.CodeNotNow) {
				t.Errorf("error %v", err)
			}
		})
	}
}
