package devicesim

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	errNoKeyThere  = errors.New("cannot set slot: it is unknown or empty")
	errNoSuchState = errors.New("cannot set slot: state is not loaded, exhausted or blocked")
	errUsage       = errors.New("cannot read command")
)

// verbs of the control socket: each takes the rest of its line and returns what follows "ok".
var verbs = map[string]func(*Sim, string) (string, error){
	"sale":         (*Sim).controlSale,
	"sell":         (*Sim).controlSale,
	"generate":     (*Sim).controlGenerate,
	"close-batch":  func(s *Sim, batch string) (string, error) { return number(s.CloseBatch(batch)) },
	"raw":          func(s *Sim, text string) (string, error) { return number(s.Raw([]byte(text))) },
	"event":        func(s *Sim, kind string) (string, error) { return number(s.Happen(kind)) },
	"lose":         (*Sim).controlLose,
	"fault":        (*Sim).controlFault,
	"line":         (*Sim).controlLine,
	"line?":        func(s *Sim, _ string) (string, error) { return s.Line(), nil },
	"clear-faults": func(s *Sim, _ string) (string, error) { return "", s.ClearFaults() },
	"tamper":       func(s *Sim, _ string) (string, error) { return "", s.Tamper() },
	"freeze?":      func(s *Sim, _ string) (string, error) { return strconv.FormatBool(s.State().Frozen), nil },
	"slot":         (*Sim).controlSlot,
	"card":         (*Sim).controlCard,
	"state":        (*Sim).controlState,
	"reboot":       func(s *Sim, _ string) (string, error) { return "", s.Reboot() },
	"unplug":       (*Sim).controlUnplug,
	"plug":         func(s *Sim, _ string) (string, error) { return "", s.Plug() },
	"cut":          func(s *Sim, _ string) (string, error) { return "", s.Cut() },
	"quit":         func(s *Sim, _ string) (string, error) { s.finish(nil); return "", nil },
}

// Control carries out one line of the control socket and answers with one line: "ok ..." or "error ...".
func (s *Sim) Control(line string) string {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if word == "at" || word == "after" {
		return s.armNow(strings.TrimSpace(line))
	}
	verb, known := verbs[word]
	if !known {
		return "error unknown command"
	}
	answer, err := verb(s, strings.TrimSpace(rest))
	if err != nil {
		return "error " + strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return strings.TrimSpace("ok " + answer)
}

func number(n uint32, err error) (string, error) { return strconv.FormatUint(uint64(n), 10), err }

func (s *Sim) controlSale(rest string) (string, error) {
	amount, currency, err := parseSale(rest)
	if err != nil {
		return "", err
	}
	return number(s.Sell(amount, currency))
}

func parseSale(rest string) (amount int64, currency string, err error) {
	text, currency, _ := strings.Cut(rest, " ")
	if amount, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, "", fmt.Errorf("%w: sale AMOUNT CUR", errUsage)
	}
	return amount, currency, nil
}

func (s *Sim) controlGenerate(rest string) (string, error) {
	n, err := strconv.Atoi(rest)
	if err != nil || n < 1 {
		return "", fmt.Errorf("%w: generate N", errUsage)
	}
	return number(s.Generate(n))
}

func (s *Sim) controlLose(rest string) (string, error) {
	n, err := strconv.Atoi(rest)
	if err != nil {
		return "", fmt.Errorf("%w: lose N", errUsage)
	}
	return "", s.Lose(n)
}

func (s *Sim) controlFault(rest string) (string, error) {
	f, err := ParseFault(rest)
	if err != nil {
		return "", err
	}
	return "", s.Fault(f)
}

func (s *Sim) controlLine(rest string) (string, error) {
	n, err := ParseNoise(rest)
	if err != nil {
		return "", err
	}
	s.SetLine(n)
	return "", nil
}

// controlUnplug takes the reader off its line, with a time for so long.
func (s *Sim) controlUnplug(rest string) (string, error) {
	away, err := parseAway(rest)
	if err != nil {
		return "", err
	}
	if err := s.Unplug(); err != nil || away == 0 {
		return "", err
	}
	s.plugAfter(away)
	return "", nil
}

// parseAway reads how long a reader is unplugged; "" is until it is plugged in again, and 0 here.
func parseAway(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%w: unplug [DURATION]", errUsage)
	}
	return d, nil
}

func (s *Sim) controlSlot(rest string) (string, error) {
	id, state, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(id, 0, 16)
	if err != nil {
		return "", fmt.Errorf("%w: slot NUMBER loaded|exhausted|blocked", errUsage)
	}
	return "", s.SetSlot(uint16(n), state)
}

func (s *Sim) controlState(string) (string, error) {
	text, err := json.Marshal(s.State())
	return string(text), err
}

// ServeControl answers control lines on l until ctx ends or the reader is off, and then returns nil.
func (s *Sim) ServeControl(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var open sync.WaitGroup
	defer open.Wait()
	open.Go(func() {
		select {
		case <-ctx.Done():
		case <-s.done:
		}
		_ = l.Close() // Accept tells
	})
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || s.isOff() || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return fmt.Errorf("cannot serve control socket: %w", err)
		}
		open.Go(func() { s.serveControl(ctx, c) })
	}
}

func (s *Sim) isOff() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *Sim) serveControl(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		if _, err := fmt.Fprintln(c, s.Control(lines.Text())); err != nil {
			return // who asked is gone
		}
	}
}
