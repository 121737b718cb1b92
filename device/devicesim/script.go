package devicesim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// moments is what a reader counts, and what is to be done when a count is reached. The front on the line is the only
// one that counts, so what is due is done between two commands of the host, whatever the time:
//
//	armed -> due (a count is reached) -> done, by the front, before it goes on
type moments struct {
	mu      sync.Mutex
	counts  map[counter]uint64
	armed   []scriptLine // with absolute counts
	busy    bool         // what is due is being done
	failed  error        // the first of what was done in vain
	changed chan struct{}
}

// What a script can do to the front that is just at work.
var errRestarts = errors.New("the reader restarts")

type unplugged struct{ away time.Duration }

func (u *unplugged) Error() string { return "unplugged" }

// arrives is called by a front for every new command before it is executed; an error ends the conversation: the
// command is not executed. errRestarts asks the front to restart the reader.
func (s *Sim) arrives(erase bool) error {
	s.script.add(countCommands, 1)
	if erase {
		s.struck.erasing()
		s.script.add(countErases, 1)
	}
	return s.passes()
}

// passes is called by a front after a command was executed.
func (s *Sim) passes() error {
	s.mu.Lock()
	released := uint64(s.mem.released)
	s.mu.Unlock()
	s.script.reach(countEvents, released)
	defer s.script.settle()
	var endings []scriptLine
	for _, line := range s.script.due() {
		switch {
		case line.act.ends():
			endings = append(endings, line)
		case line.act.verb == "plug": // who counts is plugged in; to plug would wait for one who unplugs, and he for us
		default:
			s.script.fail(s.act(line))
		}
	}
	if len(endings) == 0 {
		return nil
	}
	s.script.putBack(endings[1:])
	return s.end(endings[0])
}

// end does what ends the conversation. What would wait for the front is left to it as an error.
func (s *Sim) end(line scriptLine) error {
	switch line.act.verb {
	case "cut":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.powerOff()
		return errPowerCut
	case "unplug":
		return &unplugged{line.act.away}
	case "reboot":
		return errRestarts
	}
	return nil
}

// act does what a line says, now.
func (s *Sim) act(line scriptLine) error {
	if answer, bad := strings.CutPrefix(s.Control(line.act.text), "error "); bad {
		return fmt.Errorf("cannot run script: line %d: %s", line.number, answer)
	}
	return nil
}

// armNow takes a line of a script that is to be done later, outside of any script.
func (s *Sim) armNow(text string) string {
	line, err := parseScriptLine(text)
	if err != nil {
		return "error cannot read line: " + err.Error()
	}
	s.script.arm(line)
	return "ok"
}

// pulledOut finishes what a front began that was unplugged at its work.
func (s *Sim) pulledOut(p *plug, away time.Duration) {
	s.plugging.Lock()
	err := errors.Join(s.unplug(p), s.replugged())
	s.plugging.Unlock()
	if err != nil {
		s.finish(err)
		return
	}
	if away > 0 {
		s.plugAfter(away)
	}
}

// RunScript does what a script says, and returns when all of it is done or the reader is off; an error names the line.
func (s *Sim) RunScript(ctx context.Context, script Script) error {
	s.script.forgive()
	for _, line := range script.lines {
		if line.counter == "" {
			if err := s.act(line); err != nil {
				return err
			}
			continue
		}
		if s.script.arm(line); !line.wait {
			continue
		}
		if err := s.waitFor(ctx, line.number); err != nil {
			return err
		}
	}
	return s.waitFor(ctx, 0)
}

// waitFor waits until a line is no more armed; 0: none is.
func (s *Sim) waitFor(ctx context.Context, number int) error {
	for {
		armed, changed, err := s.script.look(number)
		if err != nil || !armed {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		case <-s.done:
			return nil
		}
	}
}

func (m *moments) add(c counter, n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	m.counts[c] += n
}

func (m *moments) reach(c counter, n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	m.counts[c] = max(m.counts[c], n)
}

func (m *moments) count(c counter) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[c]
}

func (m *moments) begin() {
	if m.counts == nil {
		m.counts, m.changed = map[counter]uint64{}, make(chan struct{})
	}
}

func (m *moments) arm(line scriptLine) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	if line.relative {
		line.count += m.counts[line.counter]
	}
	m.armed = append(m.armed, line)
	m.tell()
}

// due takes out what is due; a wait that is over is only told.
func (m *moments) due() (acts []scriptLine) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	var later []scriptLine
	for _, line := range m.armed {
		switch {
		case m.counts[line.counter] < line.count:
			later = append(later, line)
		case !line.wait:
			m.busy = true
			acts = append(acts, line)
		}
	}
	if len(later) < len(m.armed) {
		m.armed = later
		m.tell()
	}
	return acts
}

// putBack leaves what was due for the next time.
func (m *moments) putBack(lines []scriptLine) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed = append(m.armed, lines...)
}

func (m *moments) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed == nil && err != nil {
		m.failed = err
	}
}

// settle says that all that was due is done.
func (m *moments) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy {
		m.busy = false
		m.tell()
	}
}

// forgive forgets what a former script did in vain.
func (m *moments) forgive() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = nil
}

func (m *moments) tell() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *moments) look(number int) (armed bool, changed <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begin()
	armed = m.busy
	for _, line := range m.armed {
		armed = armed || number == 0 || line.number == number
	}
	return armed, m.changed, m.failed
}
