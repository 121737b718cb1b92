package agent

import (
	"context"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/transport"
)

// fullDisk is a store in memory whose disk may be full.
type fullDisk struct {
	values map[string][]byte // by bucket, a slash, and key
	next   uint64
	full   bool
	room   int  // so many more writes go through
	kept   bool // what the disk says it did not write is there all the same
}

func (d *fullDisk) Close() error                         { return nil }
func (d *fullDisk) View(do func(journal.Tx) error) error { return do(d) }
func (d *fullDisk) Get(bucket, key []byte) []byte        { return d.values[string(bucket)+"/"+string(key)] }
func (d *fullDisk) Next([]byte) (uint64, error)          { d.next++; return d.next, nil }
func (d *fullDisk) Delete(bucket, key []byte) error {
	delete(d.values, string(bucket)+"/"+string(key))
	return nil
}
func (d *fullDisk) Put(bucket, key, value []byte) error {
	d.values[string(bucket)+"/"+string(key)] = slices.Clone(value)
	return nil
}

func (d *fullDisk) Empty(bucket []byte) error {
	maps.DeleteFunc(d.values, func(name string, _ []byte) bool { return strings.HasPrefix(name, string(bucket)+"/") })
	return nil
}

func (d *fullDisk) Each(bucket []byte, do func(key, value []byte) error) error {
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		if key, of := strings.CutPrefix(name, string(bucket)+"/"); of {
			if err := do([]byte(key), d.values[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *fullDisk) Update(do func(journal.Tx) error) error {
	before := maps.Clone(d.values)
	err := do(d)
	if err == nil && d.full {
		if d.room--; d.room < 0 {
			err = syscall.ENOSPC
		}
	}
	if err != nil && !d.kept {
		d.values = before
	}
	return err
}

// onFullDisk is a terminal whose journal is on such a disk.
func onFullDisk(t *testing.T) (b *bound, d *fullDisk) {
	t.Helper()
	b, d = newBound(t), &fullDisk{values: map[string][]byte{}}
	j, err := journal.On(d, journal.Options{})
	b.no(err)
	b.no(b.a.journal.Close())
	b.a.journal = j
	return b, d
}

// offering is a desk that offers one bundle to whoever asks with an old tag.
type offering struct {
	transport.Link
	brings []byte
	asked  func(times int, etag string) // before each answer
	times  int
}

func (l *offering) Name() string { return "offering" }

func (l *offering) Pull(ctx context.Context, etag string, _ time.Duration) ([]byte, string, error) {
	l.times++
	l.asked(l.times, etag)
	if etag == "brought" {
		<-ctx.Done()
		return nil, etag, ctx.Err()
	}
	return l.brings, "brought", nil
}

// A command that cannot be written down is asked for again until it can be, and is
// answered to nobody meanwhile. The status, the log and the events say so; once it
// was taken, nothing is left of the refusal.
func TestACommandThatCannotBeWrittenDownIsAskedForAgain(t *testing.T) {
	b, d := onFullDisk(t)
	b.a.Link.RetryMin, b.a.Link.RetryMax = time.Millisecond, time.Millisecond
	order := b.challenged(1)
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	taken := false
	b.a.link = &offering{brings: file(t, nil, []*envelope.Envelope{order}, nil), asked: func(times int, etag string) {
		s, err := b.a.status()
		b.no(err)
		switch r := s.Refused; {
		case etag == "brought":
			taken = times == 4 && r == nil && s.Case != nil
			end()
		case times == 1:
			d.full = true
		case r == nil || r.Kind != "command" || r.Why.Code != "E18" || r.Digest != string(order.Digest()) || r.Case != string(b.order.Case):
			t.Errorf("at question %d the status says %+v", times, r)
		case times == 3:
			d.full = false
		}
	}}
	close(b.a.timed)
	b.a.poll(ctx)
	if !taken {
		t.Error("the command was not asked for again until it was taken")
	}
	if said := b.log.String(); strings.Count(said, `"code":"E18","case":"`+string(b.order.Case)+`","kind":"command","message":"refused"`) != 1 {
		t.Errorf("the log says\n%s", said)
	}
	for _, line := range []string{"what the desk sent cannot be taken, and is asked for again", "what the desk sends can be taken again"} {
		if n := strings.Count(b.log.String(), line); n != 1 {
			t.Errorf("%d lines of the log say that %s", n, line)
		}
	}
	told := 0
	for _, e := range b.a.hub.ring {
		if e.Kind == "command" && e.State == "refused" && e.Code == "E18" {
			told++
		}
	}
	parcels, err := b.a.journal.Outbox()
	b.no(err)
	if told != 1 || len(parcels) != 1 {
		t.Errorf("%d events tell of it, %d parcels wait for the desk", told, len(parcels))
	}
}

// What the disk says it did not write may be there all the same: then the command is
// obeyed, and the status tells of no refusal.
func TestACommandThatWasWrittenAfterAllIsNotShownAsRefused(t *testing.T) {
	b, d := onFullDisk(t)
	order := b.challenged(1)
	d.full, d.kept, d.room = true, true, 1 // the number of the answer
	if got := outcomes(b.a.take(order.Encode())); got != "command E18" {
		t.Fatal(got)
	}
	if s, err := b.a.status(); err != nil || s.Case == nil || s.Refused != nil {
		t.Errorf("%+v, %+v, %v", s.Case, s.Refused, err)
	}
}

// An answer is the desk's last word on an order: what nobody could judge, because the
// journal cannot be read or written, gets none.
func TestWhatFailedHereIsAnsweredToNobody(t *testing.T) {
	b, d := onFullDisk(t)
	order := b.challenged(1)
	for name := range d.values {
		if strings.HasSuffix(name, "/challenge") {
			d.values[name] = []byte("{")
		}
	}
	if got := outcomes(b.a.take(order.Encode())); got != "command E18" {
		t.Fatal(got)
	}
	if parcels, err := b.a.journal.Outbox(); err != nil || len(parcels) > 0 {
		t.Errorf("the desk is told %v, %v", parcels, err)
	}
}

// Every order that comes to nothing is the last one refused, whoever's fault it is.
func TestWhateverIsTurnedDownIsShown(t *testing.T) {
	b, d := onFullDisk(t)
	b.accept()
	follow := b.seal("cancel", command.Cancel{Case: b.order.Case, Command: b.order.Binding, Terminal: b.order.Terminal, V: 1}, "ops-1", "sec-1")
	shown := func(what, kind, code string) {
		t.Helper()
		if r := b.a.show.refused; r == nil || r.Kind != kind || r.Why.Code != code {
			t.Errorf("%s: the status says %+v", what, r)
		}
		b.a.show.setRefused(nil)
	}
	none := b.seal("profile", struct{}{}, "ops-1")
	b.a.take(none.Encode())
	shown("an envelope that no terminal takes", "envelope", "E03")
	b.a.take([]byte(`{"orders":[{}],"profiles":[],"trust":[]}`))
	shown("an order that is no envelope", "envelope", "E02:shape")
	b.a.take([]byte(`{"orders":[{}],"profiles":[],"trust":[{}]}`))
	shown("one that came with bad trust", "order", "E02:shape")
	b.a.take([]byte(`{"orders":7}`))
	shown("a bundle of another shape", "bundle", "E02:shape")
	for name := range d.values {
		if strings.HasSuffix(name, "/"+noteAccepted) {
			d.values[name] = []byte("{")
		}
	}
	b.a.take(follow.Encode())
	shown("a cancel of a case that cannot be read", "cancel", "")
	id := b.a.id
	b.a.id = nil
	b.a.takeCommand(follow.Encode(), follow)
	shown("a command after the identity went", "command", "E28:not-bound")
	b.a.id = id
}
