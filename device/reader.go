// Package device speaks with the card reader of the terminal over a serial line.
//
// It promises: a command is executed by the reader at most once, and when that cannot be known the error
// says so (ErrHangup, ErrTimeout) instead of trying again; an event is handed over until it is acknowledged
// by number; nothing is believed that is not authenticated by the pairing key, except what a reader
// says about itself (Identify); another reader than the bound one is never asked for anything else.
// It reconnects by itself and never logs: Options.Notify is told what happens.
//
// That is so with pedlink/1, described byte by byte in docs/WIRE-READER.md. mpos (docs/WIRE-MPOS.md) has no pairing:
// there an answer is only worth what a second question confirms. ccid (docs/WIRE-CCID.md) has neither that nor keys; it
// carries commands to cards, none of them twice.
//
//	reader.go          Reader: what callers hold, Status, Close, Reopen, Reboot
//	connect*.go        the states of the connection, the pauses between attempts, what Status tells
//	probe.go           finding protocol and speed
//	stats.go           counts, and what they say about the line
//	driver.go          the protocols, and what a reader can do
//	identity.go slots.go sam.go   who it is; its key slots; its card sockets
//	events.go          transactions: Follow, Next, Acknowledge
//	erase.go record.go the two phases of an erase and what the reader signs about it
//	rotate.go          the reader's own keys, changed by signed orders
//	*_pedlink.go       pedlink: frame and tlv are bytes, link and exchange stop and wait, session authenticates,
//	                   conn is one conversation, the rest what is asked in it; codes has the numbers
//	cmac.go keywrap.go what pedlink's keys are used with
//	*_mpos.go          mpos: driver, slots and restart are what is asked, link, frame and body how
//	*_ccid.go          ccid: link and frame are the reader's, sam is what is asked, transmit, t0 and pps speak with a card
//	t1*.go atr.go      a card's blocks, and its answer to reset
//	line.go turn.go    what every protocol stands on: one line, one command at a time
//	port*.go           the tty: opening, mode, lock, who holds it (docs/LINE.md)
//	config.go secret.go errors.go
package device

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Options are what a Reader needs besides the line.
type Options struct {
	Pairing   Secret           // key shared with the bound reader; zero before enrolment: only Identify works
	Successor Secret           // key of a RotateLink that was not finished: tried first; zero: none
	Serial    string           // serial of the bound reader; "" accepts any
	Notify    func(Status)     // told of every change of state, one at a time; must not call Close
	Rand      io.Reader        // source of nonces; nil: crypto/rand
	Now       func() time.Time // clock of Status.Since; nil: time.Now
	Retry     RetryConfig      // waiting times; zero fields are defaults

	pairing func() []Secret // the keys of now, newest first; set by New
}

// foreign says that a reader that calls itself by this serial is not the bound one; nil: it may be used.
func (o *Options) foreign(serial string) error {
	if o.Serial != "" && serial != o.Serial {
		return ErrForeign{serial}
	}
	return nil
}

// Status is where the connection stands.
type Status struct {
	State  State
	Serial string    // of the reader that identified itself last, "" if none did
	Driver string    // the protocol it spoke, "" if none did
	Baud   int       // and the speed, bits per second
	Err    string    // why the state is not ready, "" if there is nothing to say
	Since  time.Time // when the state was entered
	Cycles int       // attempts to connect that failed since the reader was last ready
}

// Reader is the card reader on one line. All methods may be called from several goroutines.
//
// A call made while the line is down waits for the attempt that is under way or comes next, and fails
// with that attempt's error; so callers that simply repeat are paced by the pauses of the reconnection.
type Reader struct {
	config  Config
	options Options

	following sync.Mutex // one Follow at a time
	seen      appearance // what the path led to when the line was opened; of run alone
	memory    memory     // what probing found; of run alone
	tally     tally

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever something below changes
	status   Status
	line     *line        // of the attempt under way or the connection, nil in a pause
	conn     conversation // nil unless a reader has identified itself
	flow     *flow
	pairing  pairing
	failures int // attempts failed since New
	failure  error
	closed   bool

	hurry   chan struct{} // ends a pause early
	closing chan struct{}
	stopped chan struct{}
}

// New returns a Reader that connects in the background; the settings must be valid.
func New(config Config, options Options) *Reader {
	r := newReader(config, options)
	go r.run()
	return r
}

func newReader(config Config, options Options) *Reader {
	options.Retry = options.Retry.withDefaults()
	if options.Notify == nil {
		options.Notify = func(Status) {}
	}
	if options.Rand == nil {
		options.Rand = rand.Reader
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	r := &Reader{
		config:  config,
		options: options,
		changed: make(chan struct{}),
		status:  Status{State: StateOpening, Since: options.Now()},
		hurry:   make(chan struct{}, 1),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
		pairing: pairing{present: options.Pairing, successor: options.Successor},
	}
	r.options.pairing = r.pairingKeys
	return r
}

// Close gives the line back and frees every blocked call at once; calling it again does nothing.
func (r *Reader) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	line := r.line
	r.mu.Unlock()
	if first {
		close(r.closing)
	}
	if line != nil {
		line.fail(fmt.Errorf("%w: %w", ErrHangup, ErrClosed))
	}
	<-r.stopped
	return nil
}

// Status tells the present state without asking the reader.
func (r *Reader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Reopen closes the line, opens it again and authenticates anew. It returns when the reader answers again,
// or with the error of the attempt that failed.
func (r *Reader) Reopen(ctx context.Context) error {
	if err := r.reopen(ctx); err != nil {
		return fmt.Errorf("cannot reopen reader: %w", err)
	}
	return nil
}

func (r *Reader) reopen(ctx context.Context) error { return r.back(ctx, r.drop()) }

// drop ends the conversation, or the pause before the next attempt, and returns what is over.
func (r *Reader) drop() conversation {
	r.mu.Lock()
	old := r.conn
	r.mu.Unlock()
	if old == nil {
		r.hasten()
	} else {
		old.on().fail(fmt.Errorf("%w: %w", ErrHangup, errReopened))
	}
	return old
}

// back waits for another conversation than the old one, or for one attempt that failed.
func (r *Reader) back(ctx context.Context, old conversation) error {
	c, err := r.await(ctx, old, false)
	if err != nil {
		return err
	}
	if limit := c.limited(); limit != nil && !errors.Is(limit, ErrUnpaired) {
		return limit
	}
	return nil
}

// Reboot restarts the reader and returns when it has come back; ctx bounds the wait. ErrNoRestart: its boot count is no
// higher, or, of a reader that counts no restarts (BootCount 0), it never fell silent.
func (r *Reader) Reboot(ctx context.Context) error {
	if err := r.reboot(ctx); err != nil {
		return fmt.Errorf("cannot restart reader: %w", err)
	}
	return nil
}

func (r *Reader) reboot(ctx context.Context) error {
	before, err := r.Identify(ctx)
	if err != nil {
		return err
	}
	rs, err := can[restarter](ctx, r, CanRestart)
	if err != nil {
		return err
	}
	gone, err := rs.restart(ctx)
	if err != nil {
		return err
	}
	// A reader needs its time: failed attempts are expected, another answer than "absent" is not. Only the first is
	// hastened; those after it keep the pauses.
	old := r.drop()
	for err = r.back(ctx, old); errors.Is(err, ErrAbsent) && ctx.Err() == nil; {
		err = r.back(ctx, old)
	}
	if err != nil {
		return err
	}
	after, err := r.Identify(ctx)
	if err != nil {
		return err
	}
	if after.BootCount <= before.BootCount && !gone {
		return fmt.Errorf("%w: its boot count is still %d", ErrNoRestart, after.BootCount)
	}
	return nil
}

// await returns a connection other than old, with a session if paired is asked for.
func (r *Reader) await(ctx context.Context, old conversation, paired bool) (conversation, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	start := r.failures
	for {
		switch {
		case r.closed:
			return nil, ErrClosed
		case r.conn != nil && r.conn != old && r.conn.on().isAlive():
			if limit := r.conn.limited(); paired && limit != nil {
				return nil, limit
			}
			return r.conn, nil
		case r.failures != start:
			return nil, r.failure
		}
		if err := r.waitForChange(ctx); err != nil {
			return nil, err
		}
	}
}

// waitForChange gives r.mu away until something changed.
func (r *Reader) waitForChange(ctx context.Context) error {
	changed := r.changed
	r.mu.Unlock()
	defer r.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-r.closing:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrAbsent, ctx.Err())
	}
}
