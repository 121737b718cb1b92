package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/local"
	"unbindd/device"
	"unbindd/transport"
	"unbindd/wipe"
)

// journalReserve is the space kept free inside the journal: enough for the
// largest records that can still come, certificate and evidence, and for the pages
// that they lie on half full.
const journalReserve = 2 << 20

// Parts is everything the agent is put together from. Time, randomness and the
// moments that a test waits at come in from outside.
type Parts struct {
	Config  Config
	Reader  device.Config
	Link    transport.Config
	MQTT    transport.MQTTConfig
	Courier transport.CourierConfig
	Log     zerolog.Logger
	Version string
	Sys     wipe.Sys
	// Misplaced is the settings file where it lies in the state directory, else "". It
	// is not erased: whoever carries the case on has to read it.
	Misplaced string
	Machine   fs.FS // the machine from "/" down, to be looked at; the real one unless told
	Now       func() time.Time
	Rand      io.Reader
	// Moment is told of every moment at which a cut would matter: "settle:worked".
	// It may block, and never return.
	Moment func(name string)
	// Renew asks for a new image of the process and ends the context; the run is
	// then over without an error. Without it the old image goes on.
	Renew func()
	// Ready is called once, when the local API answers.
	Ready func(mode string)
}

// Agent is one terminal, running.
type Agent struct {
	Parts
	at   places
	hub  *hub
	bell *bell

	samples map[uint64]*wipe.Samples // needles of the step that erases, by file system

	undoes undoing // what the log has of a step that is being undone; its carrier alone asks

	rest resting         // between two tries of a step that waits for the desk
	ways wayOut          // the link that the settings name
	walk func() *carried // the courier's medium; nothing in the model of the hand-shake

	logging  sync.Mutex    // one receipt at a time is held against the desk's log
	taking   sync.Mutex    // one thing is taken at a time, whoever brings it
	away     atomic.Int64  // losses of the reader's line since the daemon began
	lending  sync.Mutex    // one opening of the reader's line at a time, where none is kept
	rung     chan struct{} // the broker's bell rang: ask now
	relinked chan struct{} // closed when the link is
	timed    chan struct{} // closed after the first question for the time
	mu       sync.Mutex    // guards what follows; never held over a step or a link
	id       *identity
	journal  *journal.Journal
	keys     *keys.Store
	reader   conversation
	link     transport.Link
	carrying *carried    // over the courier's medium
	laid     atomic.Bool // what is waited for lies on it
	barred   atomic.Bool // the broker does not let this terminal in
	clock    *clock
	plan     journal.Plan
	orders   chan struct{} // a command was accepted
	cancel   chan struct{} // a cancel was written
	refused  map[string]local.Object
	judged   map[string]bool // orders that had their turn before this process, or were accepted by it
	show     shown
	lost     time.Time // when the reader was last lost; zero while it answers
	whole    time.Time // when the whole ledger was last read and found whole; trading alone asks
}

// New puts an agent together; it touches nothing.
func New(p Parts) *Agent {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.Rand == nil {
		p.Rand = rand.Reader
	}
	if p.Machine == nil {
		p.Machine = os.DirFS("/")
	}
	if p.Moment == nil {
		p.Moment = func(string) {}
	}
	if p.Ready == nil {
		p.Ready = func(string) {}
	}
	a := &Agent{
		Parts: p, at: places{p.Config.StateDir}, hub: newHub(p.Now), bell: newBell(),
		clock: newClock(p.Now, 0), rung: make(chan struct{}, 1), relinked: make(chan struct{}), timed: make(chan struct{}), refused: map[string]local.Object{}, judged: map[string]bool{},
	}
	a.rest, a.ways, a.walk = a.sit, a.way, a.courier
	return a
}

// Run is the terminal's life until the context ends. What it finds on disk
// decides how it begins:
//
//	journal with a case ──▶ obey it
//	tombstone alone     ──▶ unbound: say so, trade no more
//	binding             ──▶ trade
//	nothing             ──▶ not enrolled: say so and wait
//
// The state directory is its own as long as it runs, whatever it finds there.
func (a *Agent) Run(ctx context.Context) (err error) {
	if err := makeDirs(a.at.root); err != nil {
		return err
	}
	release, err := holdState(a.at.root)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if exists(a.at.buryMark()) {
		if err := a.bury(); err != nil {
			return err
		}
	}
	if err := a.open(); err != nil {
		return err
	}
	defer a.close()
	stop, err := a.serve(ctx)
	if err != nil {
		return err
	}
	defer stop()
	a.Ready(a.mode())
	if m := a.mode(); m == local.Trading || m == local.Blocked || m == local.Obeying {
		if err := a.live(ctx); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// open opens what is there, in the order of Run's table.
func (a *Agent) open() error {
	j, err := journal.Open(a.at.journal(), journal.Options{Now: a.Now, Reserve: journalReserve})
	if errors.Is(err, journal.ErrAbsent) {
		return a.closedBook()
	}
	if err != nil {
		return err
	}
	run, begun, err := j.Current()
	if err != nil {
		return errors.Join(err, j.Close())
	}
	if exists(a.at.tombstone()) && !(begun && run.Crossed) {
		return errors.Join(j.Close(), a.closedBook()) // an enrolment that did not commit
	}
	a.journal = j
	return a.openBound(begun && run.Crossed)
}

// closedBook is a terminal without a journal: unbound, or never bound.
func (a *Agent) closedBook() error {
	if !exists(a.at.tombstone()) {
		a.show.setMode(local.Unenrolled)
		return nil
	}
	text, err := os.ReadFile(a.at.tombstone())
	if err != nil {
		return err
	}
	t, err := certificate.ReadTombstone(text)
	if err != nil {
		return err
	}
	a.show.setTombstone(t, a.wasTold(t))
	a.show.setMode(local.Unbound)
	return nil
}

// openBound opens identity, keys and the reader. After the point of no return
// any of them may be gone already.
func (a *Agent) openBound(crossed bool) error {
	id, ok, err := loadIdentity(a.at)
	if err != nil && !crossed {
		return err
	}
	if !ok && !crossed {
		a.show.setMode(local.Unenrolled)
		err := a.journal.Close()
		a.journal = nil
		return err
	}
	if err == nil && ok {
		a.id = id
	}
	floor, err := a.journal.Floor()
	if err != nil {
		return err
	}
	a.clock = newClock(a.Now, floor)
	if err := a.ageChallenge(); err != nil {
		return err
	}
	a.recallRefused()
	if a.keys, err = keys.Open(a.at.keys()); err != nil && !(crossed && errors.Is(err, keys.ErrAbsent)) {
		return err
	}
	a.tellKeys()
	a.orders, a.cancel = make(chan struct{}, 1), make(chan struct{})
	a.plan = a.unbind()
	a.openReader()
	if crossed {
		a.show.setMode(local.Obeying)
		return nil
	}
	a.show.setMode(local.Trading)
	return a.lookAtLedger()
}

// openReader makes the conversation with the bound reader, in the protocol it
// was bound with, whatever the settings say; without binding, or without the
// pairing key that its protocol needs, there is none to be had.
func (a *Agent) openReader() {
	if a.id == nil || a.keys == nil {
		return
	}
	bound, line := a.id.binding.Reader, a.Reader
	if line.Driver = bound.Protocol(); line.Driver != a.Reader.Driver && a.Reader.Driver != device.DriverAuto {
		a.Log.Warn().Str("bound", line.Driver).Str("settings", a.Reader.Driver).Msg("the settings name another protocol than the reader was bound with; the binding counts")
	}
	if err := line.Validate(); err != nil {
		a.Log.Error().Err(err).Msg("the bound reader's line cannot be opened")
		return
	}
	o := device.Options{Serial: string(bound.SN), Rand: a.Rand, Now: a.Now, Notify: a.readerChanged}
	if bound.Signs() {
		pairing, err := a.keys.Pairing()
		if err != nil {
			return
		}
		if o.Pairing, err = device.NewSecret(pairing.Bytes()); err != nil {
			a.Log.Error().Err(err).Msg("the reader's pairing key cannot be used")
			return
		}
	}
	a.reader = device.New(line, o)
}

// readerChanged passes a change of the line on to whoever waits and watches.
func (a *Agent) readerChanged(s device.Status) {
	a.Log.Info().Str("state", string(s.State)).Str("reader", s.Serial).Str("why", s.Err).Msg("reader")
	if s.State == device.StateLost || s.State == device.StateAbsent {
		a.away.Add(1)
	}
	a.mu.Lock()
	switch s.State {
	case device.StateLost, device.StateAbsent:
		if a.lost.IsZero() {
			a.lost = time.Now() // of the clock that nobody sets
		}
	case device.StateReady, device.StateForeign, device.StateUnpaired:
		a.lost = time.Time{}
	}
	a.mu.Unlock()
	a.hub.tell(local.Event{Kind: "reader", Name: s.Serial, State: string(s.State), Detail: s.Err})
	a.bell.ring()
}

// awayFor is how long the reader has not answered.
func (a *Agent) awayFor() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lost.IsZero() {
		return 0
	}
	return time.Since(a.lost)
}

// live is the two modes in a loop. It begins by obeying, so that coming back
// from a power cut is the normal start.
func (a *Agent) live(ctx context.Context) error {
	upstream := a.goUpstream(ctx)
	defer upstream.stop()
	for ctx.Err() == nil {
		run, err := a.obey(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if run.Outcome == journal.Running {
			continue // accepted when the one before had just ended
		}
		if run.Outcome == journal.Done {
			upstream.stop()
			a.enter(local.Unbound)
			return a.bury()
		}
		if a.show.damaged() == nil {
			a.enter(local.Trading)
		}
		if err := a.trade(ctx); err != nil {
			a.blocked(ctx, err)
		}
	}
	return nil
}

// blocked is a terminal that cannot trade: it says so, goes on answering, and
// waits for a command.
func (a *Agent) blocked(ctx context.Context, why error) {
	a.enter(local.Blocked)
	a.Log.Error().Err(why).Msg("this terminal cannot trade")
	if a.show.quiet() {
		a.alarm("E26", why.Error())
	}
	select {
	case <-ctx.Done():
	case <-a.orders:
	}
}

// enter shows the mode the terminal is in now.
func (a *Agent) enter(mode string) {
	if a.show.setMode(mode) {
		a.Log.Info().Str("mode", mode).Msg("mode")
		a.hub.tell(local.Event{Kind: "mode", State: mode})
	}
}

func (a *Agent) mode() string { return a.show.mode() }

func (a *Agent) close() {
	if a.reader != nil {
		if err := a.reader.Close(); err != nil {
			a.Log.Error().Err(err).Msg("the reader's line cannot be closed")
		}
	}
	if a.journal != nil {
		if err := a.journal.Close(); err != nil {
			a.Log.Error().Err(err).Msg("the journal cannot be closed")
		}
	}
}
