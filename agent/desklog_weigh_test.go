package agent

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/transport"
)

var errNoWay = errors.New("the way is broken")

// convicts holds what is kept of a fork to the desk: either nothing joins the two, or the
// desk fails to.
func (d *chronicle) convicts(why string, s local.Status) {
	d.b.t.Helper()
	if s.Log.Doubt == nil || s.Log.Doubt.Word != local.WarnForked {
		d.b.t.Fatalf("%s: kept as evidence: %+v", why, s.Log.Doubt)
	}
	earlier, err1 := merkle.OpenCheckpoint([]byte(s.Log.Doubt.Kept), d.b.a.identity().trust)
	later, err2 := merkle.OpenCheckpoint([]byte(s.Log.Doubt.Shown), d.b.a.identity().trust)
	if err := errors.Join(err1, err2); err != nil {
		d.b.t.Fatalf("%s: what is kept is no evidence: %v", why, err)
	}
	if merkle.Differ(earlier, later) {
		return
	}
	if earlier.Size > later.Size {
		earlier, later = later, earlier
	}
	proof, err := merkle.ProveGrowth(earlier.Size, later.Size, d.signed(later.Size), d.read)
	d.b.no(err)
	if err := merkle.Joined(proof, earlier, later, d.b.a.identity().trust); envelope.CodeOf(err) != "E24:consistency" {
		d.b.t.Errorf("%s: the two convict nobody: %v\n%s%s", why, err, s.Log.Doubt.Kept, s.Log.Doubt.Shown)
	}
}

// twoLogs is one desk with two logs that part after what is kept.
func twoLogs(t *testing.T) (kept string, a, b *chronicle) {
	bound, d := withLog(t)
	d.tells("before")
	a = &chronicle{b: bound, leaves: slices.Clone(d.leaves), hashes: slices.Clone(d.hashes)}
	a.grow("of a", "of a as well")
	d.grow("of b", "of b as well")
	return string(d.signed(4)), a, d
}

// silent shows a checkpoint without its growth, and does not answer.
func (d *chronicle) silent() *chronicle {
	d.beside, d.route = func(l *transport.Log) { l.Growth = "" }, func() error { return errNoWay }
	return d
}

// A fork that comes to light with a later receipt is kept as the two that convict: not
// with what was kept before, which both of them may continue.
func TestTheForkThatIsKeptConvicts(t *testing.T) {
	for name, more := range map[string]int{"of one size": 0, "of two sizes": 2} {
		t.Run(name, func(t *testing.T) {
			kept, one, two := twoLogs(t)
			s := one.silent().tells("one")
			one.wants("one", s, 4, local.WarnUnproven)
			shown := s.Log.Doubt.Shown
			for range more {
				two.grow("more")
			}
			said := len(two.b.log.String())
			s = two.tells("two")
			two.wants("two", s, int64(7+more), local.WarnForked)
			two.convicts("two", s)
			if d := s.Log.Doubt; d.Kept == kept || (d.Kept != shown && d.Shown != shown) {
				t.Errorf("kept as evidence: %+v", d)
			}
			if log := two.b.log.String()[said:]; !strings.Contains(log, "[E24:consistency]") {
				t.Errorf("the log says not why: %s", log)
			}
			asked := two.asked
			two.wants("two again", two.tells("two again"), int64(8+more), local.WarnForked)
			if more == 0 && two.asked != asked {
				t.Error("the desk is asked to join two of one size")
			}
		})
	}
	t.Run("of the first receipt", func(t *testing.T) {
		b, two := withLog(t)
		one := &chronicle{b: b, says: func(r *receipt.Receipt) { r.Index-- }}
		one.grow("a", "of a")
		one.wants("one", one.tells("one"), 0, local.WarnUnproven)
		s := two.tells("two")
		two.wants("two", s, 4, local.WarnForked)
		two.convicts("two", s)
	})
	t.Run("of two that nobody joins", func(t *testing.T) {
		_, one, two := twoLogs(t)
		one.silent().tells("one")
		s := two.silent().tells("two")
		two.wants("two", s, 4, local.WarnForked)
		two.convicts("two", s)
	})
}

// A desk whose answer about the growth bears a second checkpoint of one size has signed
// its own conviction, with a receipt and when a doubt is to be settled.
func TestASecondRootAtTheRouteConvicts(t *testing.T) {
	for name, early := range map[string]bool{"beside the receipt": false, "beside a doubt": true} {
		t.Run(name, func(t *testing.T) {
			_, one, two := twoLogs(t)
			if early {
				one.silent().tells("one")
				one.beside, one.route = nil, nil
				two.grow("more", "and more")
			} else {
				two.grow("more")
				one.beside = func(l *transport.Log) { l.Growth = "" }
			}
			one.speaks = two
			s := one.tells("one")
			one.wants("one", s, map[bool]int64{true: 8, false: 4}[early], local.WarnForked)
			shown, err := merkle.Kept([]byte(s.Log.Doubt.Shown))
			one.b.no(err)
			kept, err := merkle.Kept([]byte(s.Log.Doubt.Kept))
			one.b.no(err)
			if !merkle.Differ(kept, shown) {
				t.Errorf("the two do not convict: %+v", s.Log.Doubt)
			}
		})
	}
}

// A receipt without a proof leaves nothing signed, and hides nothing that is; what convicts
// goes before what may be joined yet, and is told each time.
func TestWhatWeighsMoreIsKept(t *testing.T) {
	b, d := withLog(t)
	d.grow("d", "e", "f", "g")
	d.tells("before")
	d.beside = func(l *transport.Log) { l.Proof, l.Growth = "", "" }
	s := d.tells("without")
	d.wants("without", s, 8, local.WarnUnproven)
	back := &chronicle{b: b}
	back.grow("a", "b", "c")
	s = back.tells("put back")
	back.wants("put back", s, 8, local.WarnBehind)
	if s.Log.Doubt.Shown != string(back.signed(4)) || !strings.Contains(b.log.String(), local.WarnBehind) {
		t.Fatalf("kept as evidence: %+v; the log says %s", s.Log.Doubt, b.log.String())
	}

	before := b.a.hub.last
	said := len(b.log.String())
	other := d.rewritten(1)
	other.beside = func(l *transport.Log) { l.Growth = "" }
	s = other.tells("forked, of two sizes")
	other.wants("forked, of two sizes", s, 8, local.WarnForked)
	first := *s.Log.Doubt
	other.tells("the same pair of words, once more")
	s = other.told("nothing new")
	if *s.Log.Doubt != first {
		t.Errorf("another took its place: %+v", s.Log.Doubt)
	}
	if n := strings.Count(b.log.String()[said:], `"warning":"`+local.WarnForked); n != 2 {
		t.Errorf("of two forks the log has %d: %s", n, b.log.String()[said:])
	}
	told, events := 0, b.a.hub.ring
	for _, e := range events {
		if e.ID > before && e.Kind == "log" && e.State == local.WarnForked {
			told++
		}
	}
	if told != 2 {
		t.Errorf("of two forks %d are events", told)
	}
	short := d.rewritten(2)
	short.leaves, short.hashes = short.leaves[:7], hashesOf(short, 7)
	s = short.tells("two of one size")
	short.wants("two of one size", s, 8, local.WarnForked)
	if *s.Log.Doubt == first {
		t.Error("the two that convict are not kept")
	}
	short.convicts("two of one size", s)
}

// What is in doubt of a log is over with that log's name, and the log of this process has
// it; nobody can join it any more.
func TestADoubtEndsWithItsLogsName(t *testing.T) {
	b, d := withLog(t)
	d.tells("before")
	other := d.rewritten(1)
	other.leaves, other.hashes = other.leaves[:3], hashesOf(other, 3)
	s := other.tells("the fork")
	other.wants("the fork", s, 4, local.WarnForked)
	d.wants("which stays", d.tells("which stays"), 5, local.WarnForked)
	next := *b.a.id.trust
	next.Log.Origin = "unbind-desk/next"
	b.a.id.trust = &next
	said := len(b.log.String())
	renamed := &chronicle{b: b, origin: "unbind-desk/next"}
	renamed.wants("of the new name", renamed.tells("of the new name"), 1)
	if log := b.log.String()[said:]; !strings.Contains(log, strings.Split(s.Log.Doubt.Shown, "\n")[2]) {
		t.Errorf("it went without a word: %s", log)
	}
}

// The checkpoint of an empty log is for everybody, and is evidence of nothing.
func TestTheEmptyLogIsNoEvidence(t *testing.T) {
	b, d := withLog(t)
	d.tells("before")
	d.beside = func(l *transport.Log) {
		l.Proof = base64.StdEncoding.EncodeToString(slices.Concat([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"), d.signed(0)))
	}
	s := d.tells("the empty log")
	d.wants("the empty log", s, 4, local.WarnUnproven)
	if s.Log.Doubt.Shown != "" {
		t.Errorf("kept as evidence: %+v", s.Log.Doubt)
	}
	d.beside = nil
	d.wants("the next", d.tells("the next"), 6)

	b.no(b.a.journal.See(journal.Seen{Doubt: &journal.Doubt{Word: local.WarnUnproven, Shown: string(d.signed(0))}}))
	d.wants("one that was kept", d.tells("one that was kept"), 7)
}

// A receipt does not wait long for what the desk is asked, and a question that breaks off
// on this side is no doubt.
func TestAReceiptWaitsForNoProof(t *testing.T) {
	b, d := withLog(t)
	d.tells("before")
	d.grow("x")
	d.beside = func(l *transport.Log) { l.Growth = "" }
	d.wants("asked", d.tells("asked"), 6)
	if d.within <= 0 || d.within > 10*time.Second {
		t.Errorf("the desk may take %v", d.within)
	}
	d.grow("y")
	d.route = func() error { b.a.closeLink(); return errNoWay }
	d.wants("a new link", d.tells("a new link"), 6)
	whole, stop := context.WithCancel(b.ctx)
	b.ctx = whole
	d.route = func() error { stop(); return context.Canceled }
	d.wants("the end of the process", d.tells("the end of the process"), 6)
	if log := b.log.String(); strings.Contains(log, local.WarnUnproven) || strings.Count(log, "could not be asked to the end") != 2 {
		t.Errorf("the log says %s", log)
	}
}

// heardDesk is a desk whose answers come by a way that carries proofs, without one.
type heardDesk struct{ lastDesk }

func (l heardDesk) Reveal(ctx context.Context, id string, body []byte) ([]byte, error) {
	transport.LogOf(ctx).Heard = true
	return l.lastDesk.Reveal(ctx, id, body)
}

// What came beside the last receipt and finds no room in the journal takes nothing from
// that receipt.
func TestNoFullDiskTakesTheLastReceipt(t *testing.T) {
	b, disk := onFullDisk(t)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	var asked, honest int
	desk := heardDesk{lastDesk{b: b, asked: &asked, honest: &honest, says: []func(receipt.Receipt) ([]byte, error){b.signedBy("receipt-1")}}}
	b.a.ways = func(route, transport.Identity) (transport.Link, error) { return desk, nil }
	stone := certificate.Tombstone{Case: c.command.Case, Terminal: c.command.Terminal, R: []byte("0123456789abcdef0123456789abcdef")}
	body, err := json.Marshal(map[string]any{"r": stone.R, "v": 1})
	b.no(err)
	disk.full = true
	if r, err := b.a.revealOver(b.ctx, route{}, stone, body); err != nil || r == nil {
		t.Errorf("the receipt is lost: %v", err)
	}
	if log := b.log.String(); !strings.Contains(log, "no space left") || !strings.Contains(log, local.WarnUnproven) {
		t.Errorf("the log says %s", log)
	}
}
