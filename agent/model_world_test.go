package agent

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/manifest"
	"unbindd/agent/profile"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/device"
	"unbindd/wipe"
)

// model is what all histories share: one enrolled terminal and one verified
// command, made and signed once by the code.
type model struct {
	id        identity
	c         caseFile
	profile   profile.Profile
	readerKey ed25519.PrivateKey
	root      string // of the state directory, which is there and empty
	readings  sync.Pool
	signed    sync.Map // message -> signature of the reader
	ends      ends
	alone     bool // no end is shared
}

var (
	longAgo = time.Unix(1, 0)
	never   time.Time
	noon    = time.Unix(1795392000, 0)
)

func newModel(t *testing.T) *model {
	t.Helper()
	b := newBound(t)
	b.sell(1)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	p, err := b.a.id.profile(c.command.Profile.ID, c.command.Profile.Digest)
	b.no(err)
	debug.SetGCPercent(800)                                                         // a history leaves nothing behind
	p.Reasons, p.Slots, p.Scope = []envelope.ID{}, []envelope.ID{}, []envelope.ID{} // shorter to read
	m := &model{readings: sync.Pool{New: func() any { return newReading() }}, id: *b.a.id, c: *c, profile: p, root: t.TempDir(), readerKey: ed25519.NewKeyFromSeed(make([]byte, 32))}
	m.id.binding.Reader.Pub = m.readerKey.Public().(ed25519.PublicKey)
	return m
}

func (m *model) signRecord(r device.EraseRecord) []byte {
	text := r.Message()
	if sig, ok := m.signed.Load(string(text)); ok {
		return sig.([]byte)
	}
	sig := ed25519.Sign(m.readerKey, text)
	m.signed.Store(string(text), sig)
	return sig
}

func (m *model) orderDigest(message []byte) [32]byte { return sha256.Sum256(message) }

// world is one history: a terminal with its disk, a reader, a desk, and what
// they owe each other.
type world struct {
	m      *model
	h      history
	bug    bug
	disk   *disk
	shelf  *shelf
	reader *modelReader
	desk   *desk
	a      *Agent // of this life; its memory ends with it

	from *brink // where nothing more was to come; nil before

	ops, gap, next int
	luck           uint64
	fault          map[string]bool // of the next call that asks for it
	tally          map[string]int  // what was seen
	tell           func(format string, args ...any)
	calm           bool // no faults any more
	acting, busy   bool
	at             string // the step that is under way
	pauses, lives  int
	rounds, signs  int
	why            error // of what failed last

	commands  int    // made so far
	running   string // the command that was accepted and has not ended; "" none
	cancelled bool   // a cancel of it was accepted
	erased    bool   // something was erased for it
	renewed   bool   // this life began after the last key went
	looked    int    // at the transactions, last
	accepted  []string
	offered   string

	acked []uint32              // transactions the reader may forget
	truth map[string]wipe.Level // what really became of each target
	paths map[string]string     // target -> path
	clear *page                 // the last durable journal that allowed an erase

	runs      memo[journal.Run]
	opens     memo[opened]
	receipts  memo[receipt.Receipt]
	manifests memo[manifest.Manifest]
	words     memo[signedWord]
	deskHas   memo[receipt.Receipt]
	digests   map[string]envelope.Digest // of texts
	reading   *reading
}

// The ways a life ends, as panics: the power goes, or the process does.
type (
	powerCut struct{}
	killed   struct{}
	violated string
)

func (w *world) violate(format string, args ...any) { panic(violated(fmt.Sprintf(format, args...))) }

// step is a point between two calls: whatever is due happens here, and then
// everything must hold. While something else is taken, or a commit is under way,
// only the power and the process can go; the rest comes after it.
func (w *world) step(where string) {
	w.ops++
	if w.tell != nil {
		w.tell("%4d %s: %s", w.ops, w.at, where)
	}
	for w.gap--; w.gap <= 0 && w.next < len(w.h.Events); {
		e := w.h.Events[w.next]
		if (w.acting || w.busy) && e.What != theCut && e.What != theKill {
			break
		}
		if w.next++; w.next < len(w.h.Events) {
			w.gap = w.h.Events[w.next].Gap
		}
		w.luck = e.Luck
		if w.tell != nil {
			w.tell("     happens: %s", e.What)
		}
		outer := w.acting
		w.acting = true
		w.act(e.What)
		w.acting = outer
	}
	w.check()
}

// choose is a choice of the world: below n, by the luck of the last event.
func (w *world) choose(n int) int {
	v := w.luck % uint64(n)
	w.luck /= uint64(n)
	return int(v)
}

func (w *world) fails(string) bool {
	if !w.fault["eio"] || w.acting {
		return false
	}
	delete(w.fault, "eio")
	w.count("failed calls")
	return true
}

func (w *world) loses(what string) bool {
	if !w.fault[what] || w.acting {
		return false
	}
	delete(w.fault, what)
	w.count("lost " + what)
	return true
}

// begin puts the agent of a new life together over what is on disk.
func (w *world) begin() error {
	w.a = &Agent{
		Parts: Parts{
			Log: zerolog.Nop(), Sys: noSys{}, Machine: modelMachine{swaps: w.h.Weak}, Rand: zeros{}, Now: func() time.Time { return noon },
			Moment: func(string) { w.step("moment") },
		},
		at: places{w.m.root}, hub: newHub(func() time.Time { return noon }), bell: newBell(), clock: newClock(func() time.Time { return noon }, 0),
		id: &w.m.id, reader: w.reader,
	}
	w.a.plan = w.a.unbind()
	w.renewed = len(w.under(w.m.root+"/keys/k7")) == 0
	if w.disk.find(journalName) == nil {
		return nil
	}
	j, err := journal.On(w.shelf, journal.Options{Now: w.a.Now, Reserve: 1})
	w.a.journal = j
	return err
}

const journalName = "journal.db"

// caseNow is the running case: the verified command as this history has it, and
// the amendments in the journal.
func (w *world) caseNow() *caseFile {
	c := w.m.c
	c.command.Backup.Gate = w.h.Gate
	c.amends = nil
	var allowed []envelope.ID
	if raw := w.disk.pages.now().note("notes", noteAmends); raw != nil {
		w.must(w.reading.read(raw, &allowed))
	}
	for i, what := range allowed {
		m := amended{Amend: command.Amend{Allow: []envelope.ID{what}, N: int64(i + 1)}, Digest: envelope.DigestOf([]byte(what))}
		c.amends = append(c.amends, m)
	}
	return &c
}

func (w *world) manifest() (m manifest.Manifest, digest envelope.Digest, ok bool) {
	p := w.disk.pages.now()
	m, ok = w.manifests.of(w, p, "notes", noteManifest)
	return m, w.digest(p.note("notes", noteManifest)), ok
}

func (w *world) digest(text []byte) envelope.Digest {
	d, ok := w.digests[string(text)]
	if !ok {
		d = envelope.DigestOf(text)
		w.digests[string(text)] = d
	}
	return d
}

// order is everything the reader's ticket must be made for.
func (w *world) order(c *caseFile, auth authority) ticket.Order {
	m, _, _ := w.manifest()
	return ticket.Order{
		SN: m.Reader.SN, RC: m.Reader.RC, EraCnt: uint32(m.Reader.EraCnt), Scope: slotsOf(m.Scope), Command: c.digest(), Authority: auth.Digest,
	}
}

// ticketFor is the only ticket that the reader takes: the one for the challenge
// it gave out last, issued by the signer of tickets.
func (w *world) ticketFor(rc [16]byte, counter uint32) []byte {
	return w.desk.tickets[string(rc[:])+string(rune(counter))]
}

type noSys struct{ wipe.Sys }

func (noSys) OpenRoot(string) (int, error) { return 0, errIO }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sold is a transaction that the reader makes, when it may.
func (w *world) sold() {
	if !w.reader.frozen && w.reader.mode == readerOK {
		w.reader.event(device.EventTransaction, saleBody(w.reader.last+1))
	}
}

// acknowledged is the moment from which the reader may forget an event.
func (w *world) acknowledged(e device.Event) {
	if e.Code == device.EventTransaction {
		w.acked = append(w.acked, e.Seq)
	}
}
