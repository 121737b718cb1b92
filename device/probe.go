package device

import (
	"errors"
	"fmt"
	"time"
)

// candidate is a protocol at a speed: what a conversation can be tried in.
type candidate struct {
	driver driver
	baud   int
}

func (c candidate) String() string { return fmt.Sprintf("%s at %d baud", c.driver.name, c.baud) }

func (c candidate) is(other candidate) bool {
	return c.driver.name == other.driver.name && c.baud == other.baud
}

// candidates are what the settings leave open, in the order they are tried in: the first speed of every protocol,
// then the second of every one, and so on. A protocol or a speed that is set is never replaced by another.
func (c Config) candidates() []candidate {
	among := drivers
	if c.Driver != DriverAuto {
		d, _ := driverNamed(c.Driver) // Validate has seen that it is one
		among = []driver{d}
	}
	var all []candidate
	for nth, more := 0, true; more; nth++ {
		more = false
		for _, d := range among {
			bauds := d.bauds
			if c.Baud != 0 {
				bauds = []int{c.Baud}
			}
			if nth < len(bauds) {
				all = append(all, candidate{d, bauds[nth]})
				more = true
			}
		}
	}
	return all
}

// memory is what a round of probing found:
//
//	unknown -> known             a candidate was answered
//	known -> doubted             as often as missesBeforeProbing it was not
//	doubted -> known             it was answered, or another was
//
// A known candidate is tried alone, with full patience: a reader that starts needs longer than a round. A
// doubted one is the first of the round.
type memory struct {
	found  candidate
	known  bool
	misses int
}

const missesBeforeProbing = 3

func (m *memory) remember(c candidate) { *m = memory{found: c, known: true} }

func (m *memory) trusted() bool { return m.known && m.misses < missesBeforeProbing }

// first puts what was found before at the head of a round.
func (m *memory) first(all []candidate) []candidate {
	if !m.known {
		return all
	}
	round := []candidate{m.found}
	for _, c := range all {
		if !c.is(m.found) {
			round = append(round, c)
		}
	}
	return round
}

// choose is the candidate for the next attempt: what is set, what was found, or what a round of probing finds now.
func (r *Reader) choose() (candidate, error) {
	all := r.config.candidates()
	if len(all) == 1 {
		return all[0], nil
	}
	if r.memory.trusted() {
		return r.memory.found, nil
	}
	found, err := r.probe(r.memory.first(all))
	if err != nil {
		return candidate{}, err
	}
	r.memory.remember(found)
	return found, nil
}

// probe asks for a reader in one protocol after another. Only questions that change nothing are asked: a
// conversation without a pairing key ends behind the question who is there. How long a round can take stands in
// docs/LINE.md.
func (r *Reader) probe(round []candidate) (candidate, error) {
	r.enter(StateProbing, nil)
	for _, c := range round {
		err := r.tryOut(c)
		switch {
		case err == nil:
			return c, nil
		case errors.Is(err, errUnusable):
			return candidate{}, err
		case r.isClosing():
			return candidate{}, ErrClosed
		}
	}
	return candidate{}, fmt.Errorf("%w: %d protocols and speeds were tried, from %v to %v",
		errSilence, len(round), round[0], round[len(round)-1])
}

var (
	errSilence  = errors.New("no reader answers")
	errUnusable = errors.New("line cannot be probed")
	errProbed   = errors.New("probing is over")
)

// tryOut has a conversation begun and gives the line back. Its error is errUnusable when no candidate can do better.
func (r *Reader) tryOut(c candidate) error {
	l, p, err := r.openLine(c, r.options.Retry.probing())
	if errors.Is(err, errMode) {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnusable, err)
	}
	defer l.fail(errProbed)
	if err := r.hush(l, p); err != nil {
		return err
	}
	limit := time.AfterFunc(candidateTime(l), func() { l.fail(ErrTimeout) })
	defer limit.Stop()
	_, err = c.driver.converse(l, r.options.probing(), func(State) {})
	return err
}

// probing are the options of somebody who only wants to know who is there.
func (o Options) probing() *Options {
	o.Pairing, o.Successor = Secret{}, Secret{}
	o.pairing = func() []Secret { return nil }
	return &o
}

// candidateTime bounds one candidate, whatever its driver waits for: ten times the patience of a probe, and time
// for the bytes of question and answer.
func candidateTime(l *line) time.Duration { return 10*l.retry.Probe + l.bytesTime(512) }

// mostHushes is how often a line that does not fall silent is listened to.
const mostHushes = 4

// hush waits for two gaps of silence, so that a reader has given up what it took for the beginning of a frame: a
// frame of one protocol may announce a thousand bytes in another. What comes meanwhile is thrown away.
func (r *Reader) hush(l *line, p *port) error {
	for range mostHushes {
		timer := time.NewTimer(hushTime(l))
		select {
		case <-timer.C:
		case <-r.closing:
			timer.Stop()
			return ErrClosed
		}
		came, err := p.discard()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrHangup, err)
		}
		if came == 0 {
			return nil
		}
	}
	return nil
}

func hushTime(l *line) time.Duration { return 2 * (l.retry.Gap + l.bytesTime(20)) }
