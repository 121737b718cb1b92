// Package devicesim is a card reader in software: it keeps keys and transactions in a memory file, speaks
// pedlink/1, mpos or serial CCID on a tty or a pseudo-terminal of its own, and does wrong on demand.
//
// It promises what a good reader promises, also over a power cut at any point (a killed process): an event
// leaves it only when it is in the memory file and is held until it is acknowledged; an erase that was
// started is finished before anything else; a ticket erases once. It counts erases and overwrites in the
// memory file, so that a test can prove that nothing was erased twice. It shares no code with package device:
// docs/WIRE-READER.md, docs/WIRE-MPOS.md, docs/WIRE-CCID.md and the golden frames of device/testdata are what both have in common.
//
//	sim.go front.go        Sim: power, plug, restart; the protocols it can speak
//	inject*.go             making a new reader with its keys
//	nvm*.go eventlog.go slot.go   the memory file
//	keys.go crypto.go      payment keys: who hangs from whom, counters, check values (package keying does the sums)
//	line*.go               tty; the wire with its speed and its noise, chain by chain
//	own.go keywrap.go      the reader's own keys
//	*_pedlink.go           pedlink/1: engine and sending are the link rules, commands and erase what is done
//	sockets.go             the cards: the customer's and the SAMs
//	*_mpos.go              mpos: requests that are carried out once
//	*_ccid.go              CCID on a serial line, as two readers speak it
//	sales.go generate.go tamper.go   transactions; what else happens to a reader
//	faults*.go struck.go   what it does wrong, and how often it did
//	control.go state.go    the control socket
package devicesim

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options say how a simulated reader is connected and what it sells.
type Options struct {
	Link      string           // path of a symlink to an own pseudo-terminal; "" with TTY "": no symlink
	TTY       string           // existing tty to use instead
	Protocol  string           // one of Protocols; "": pedlink
	Model     string           // of a ccid reader, one of Models; "": GemCorePOSPro. Every reader has its sockets
	Cards     []string         // the card in each socket, of CardKinds, "": none; nil: "t0", "t1"
	Pace      int              // baud to imitate; 0: as fast as it goes
	Merchant  Merchant         // what its transactions carry
	Seed      uint64           // of generated transactions
	Canary    string           // put into the rrn of some of them
	Faults    []Fault          // in force from the start
	Line      Noise            // what goes wrong on the line from the start
	Ack       time.Duration    // wait for an ACK, besides the bytes' time on the line; 0: 150 ms
	Now       func() time.Time // nil: time.Now
	Rand      io.Reader        // nil: crypto/rand
	EventRoom int              // events it has room for, the oldest are lost beyond; 0: as many as the file takes
	Kill      func()           // what a power cut does to the process; nil: the simulator stops by itself
}

// Sim is one reader that is switched on:
//
//	Start -> plugged <-> unplugged
//	plugged, unplugged -> off (Close, Cut, a fault that cuts the power, the tty hung up)
type Sim struct {
	path      string
	options   Options
	wake      chan struct{} // events may be due
	restarted chan struct{} // the line's conversation is over
	done      chan struct{}
	ending    sync.Once
	err       error // valid once done is closed

	noise atomic.Pointer[noise] // nil: the line is quiet

	plugging sync.Mutex // plug and unplug, one after the other
	plugged  *plug      // guarded by plugging

	script moments // what a script waits for
	struck tally   // how often each fault struck

	mu          sync.Mutex // everything below
	mem         *memory
	faults      faults
	shadowed    map[uint16]bool   // keys hidden until the restart
	blind       map[uint16]uint64 // orders to delete what was gone, by slot
	sockets     []socket
	lockedUntil time.Time
	lastHeard   time.Time
	target      string // the tty a terminal would open
}

// plug is the open line and the goroutine that serves it.
type plug struct {
	wire    *wire
	slave   *os.File
	link    string // symlink to slave, "" if none
	stop    chan struct{}
	served  chan struct{}
	pulling sync.Once
}

// Start switches the reader of a memory file on and plugs it in.
func Start(path string, options Options) (*Sim, error) {
	options.Protocol = or(options.Protocol, "pedlink")
	if err := checkProtocol(options.Protocol); err != nil {
		return nil, fmt.Errorf("cannot start reader: %w", err)
	}
	options.Model = or(options.Model, defaultModel)
	kind, err := modelNamed(options.Model)
	if err != nil {
		return nil, fmt.Errorf("cannot start reader: %w", err)
	}
	if options.Ack == 0 {
		options.Ack = ackTime
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Rand == nil {
		options.Rand = rand.Reader
	}
	mem, err := openMemory(path)
	if err != nil {
		return nil, fmt.Errorf("cannot start reader: %w", err)
	}
	s := &Sim{
		path: path, options: options, mem: mem, faults: faults{}, blind: map[uint16]uint64{},
		wake: make(chan struct{}, 1), restarted: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.SetLine(options.Line)
	if mem.st.Foreign != "" {
		s.faults[faultForeign] = mem.st.Foreign
	}
	for _, f := range options.Faults {
		if err := s.Fault(f); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot start reader: %w", err), s.Close())
		}
	}
	if err := s.fillSockets(kind.sockets, options.Cards); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start reader: %w", err), s.Close())
	}
	if err := s.locked(s.boot); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start reader: %w", err), s.Close())
	}
	if err := s.Plug(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot start reader: %w", err), s.Close())
	}
	return s, nil
}

// locked runs f with the reader's state held.
func (s *Sim) locked(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f()
}

// boot is what a reader does before it listens; s.mu is held.
func (s *Sim) boot() error {
	s.shadowed = map[uint16]bool{}
	s.unpowerCards()
	s.lastHeard = s.options.Now()
	s.lockedUntil = s.options.Now().Add(lockTime)
	s.mem.st.BootCount++
	if err := s.mem.save(); err != nil {
		return err
	}
	if err := s.resumeTamper(); err != nil {
		return err
	}
	if s.mem.st.Erase != nil {
		return s.finishErase()
	}
	return nil
}

// Reboot restarts the reader without taking its power: it forgets its sessions, not its memory.
func (s *Sim) Reboot() error {
	err := s.locked(func() error {
		if s.mem.dead {
			return errPowerCut
		}
		fresh := &memory{f: s.mem.f}
		if err := fresh.load(); err != nil {
			return err
		}
		s.mem = fresh
		return s.boot()
	})
	if err != nil {
		return fmt.Errorf("cannot restart reader: %w", err)
	}
	s.interrupt()
	return nil
}

// interrupt makes the line forget its conversation.
func (s *Sim) interrupt() {
	select {
	case s.restarted <- struct{}{}:
	default:
	}
}

// Plug connects the reader to its line; a plugged reader stays as it is.
func (s *Sim) Plug() error {
	s.plugging.Lock()
	defer s.plugging.Unlock()
	if s.plugged != nil || s.isOff() {
		return nil
	}
	p, target, err := s.openLine()
	if err != nil {
		return fmt.Errorf("cannot plug reader in: %w", err)
	}
	s.mu.Lock()
	s.target = target
	s.mu.Unlock()
	s.plugged = p
	go s.serve(p)
	return nil
}

func (s *Sim) openLine() (*plug, string, error) {
	p := &plug{stop: make(chan struct{}), served: make(chan struct{})}
	if s.options.TTY != "" {
		tty, err := openTTY(s.options.TTY)
		if err != nil {
			return nil, "", err
		}
		p.wire = newWire(tty, s.options.Pace, &s.noise, true)
		return p, s.options.TTY, nil
	}
	master, slave, err := openPTY()
	if err != nil {
		return nil, "", err
	}
	p.slave, p.link = slave, s.options.Link
	p.wire = newWire(master, s.options.Pace, &s.noise, true)
	if s.options.Link == "" {
		return p, slave.Name(), nil
	}
	if err := pointLink(s.options.Link, slave.Name()); err != nil {
		return nil, "", errors.Join(err, master.Close(), slave.Close())
	}
	return p, s.options.Link, nil
}

func (s *Sim) serve(p *plug) {
	defer close(p.served)
	err := fronts[s.options.Protocol](s, p.wire).run(p.stop)
	var pulled *unplugged
	if errors.As(err, &pulled) {
		go s.pulledOut(p, pulled.away) // it waits for us
		return
	}
	select {
	case <-p.stop: // pulled out on purpose
	default:
		s.finish(errors.Join(fmt.Errorf("line ended: %w", err), p.pull()))
	}
}

// pull closes both ends of the line once. The link goes first: the pseudo-terminal's name is given to the next
// program that asks for one, and a terminal that followed the link would speak with that.
func (p *plug) pull() (err error) {
	p.pulling.Do(func() {
		if target, _ := os.Readlink(p.link); p.slave != nil && target == p.slave.Name() {
			err = os.Remove(p.link)
		}
		err = errors.Join(err, p.wire.Close())
		if p.slave != nil {
			err = errors.Join(err, p.slave.Close())
		}
	})
	return err
}

// Unplug takes the reader off its line: on an own pseudo-terminal the other end hangs up.
func (s *Sim) Unplug() error {
	s.plugging.Lock()
	defer s.plugging.Unlock()
	return errors.Join(s.unplug(s.plugged), s.replugged())
}

// unplug takes one plug out, unless another one is in by now; s.plugging is held.
func (s *Sim) unplug(p *plug) error {
	if p == nil || s.plugged != p {
		return nil
	}
	s.plugged = nil
	close(p.stop)
	err := p.pull()
	<-p.served
	if err != nil {
		return fmt.Errorf("cannot unplug reader: %w", err)
	}
	return nil
}

// plugAfter plugs the reader in again after a time, unless it is off by then.
func (s *Sim) plugAfter(away time.Duration) {
	time.AfterFunc(away, func() {
		if err := s.Plug(); err != nil {
			s.finish(err)
		}
	})
}

// Path is the tty that a terminal opens; without Options.Link it changes with every Plug.
func (s *Sim) Path() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target
}

// Done is closed when the reader is off.
func (s *Sim) Done() <-chan struct{} { return s.done }

// Err tells why the reader is off: nil after Close.
func (s *Sim) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Cut takes the power away at once: nothing more is written, the line hangs up.
func (s *Sim) Cut() error {
	s.mu.Lock()
	s.powerOff()
	s.mu.Unlock()
	return s.Close()
}

// powerOff stops every write from here on; s.mu is held.
func (s *Sim) powerOff() {
	if s.options.Kill != nil {
		s.options.Kill()
	}
	s.mem.dead = true
	s.finish(errPowerCut)
}

func (s *Sim) finish(err error) {
	s.ending.Do(func() {
		s.err = err
		close(s.done)
	})
}

// Close switches the reader off and gives its memory file free; calling it again does nothing.
func (s *Sim) Close() error {
	s.plugging.Lock()
	err := s.unplug(s.plugged)
	s.plugging.Unlock()
	s.finish(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mem.f == nil {
		return err
	}
	closed := errors.Join(s.mem.close(), s.closeCards())
	s.mem.f, s.mem.dead = nil, true
	return errors.Join(err, closed)
}

func (s *Sim) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrong(faultSilent)
}

func (s *Sim) hear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastHeard = s.options.Now()
}

// LastHeard is when the host last sent anything.
func (s *Sim) LastHeard() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastHeard
}

func (s *Sim) bytesTime(n int) time.Duration {
	if s.options.Pace == 0 {
		return 0
	}
	return time.Duration(n) * 10 * time.Second / time.Duration(s.options.Pace)
}
