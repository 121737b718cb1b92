package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"unbindd/agent/local"
	"unbindd/device"
)

// reportTime is how long a person waits at most for one look at the reader: a
// line may be down, and a slow one lists hundreds of slots.
const reportTime = 90 * time.Second

// searchTime is how long a search for protocol and speed may take.
const searchTime = 30 * time.Second

// testRounds is how many questions a test times.
const testRounds = 20

// withLine lends the conversation with the bound reader. A terminal that keeps
// none opens the line for this one question; then only who is there can be asked
// of a reader that wants a pairing key.
func (a *Agent) withLine(r *http.Request, use func(context.Context, conversation) (any, error)) (any, error) {
	ctx, stop := context.WithTimeout(r.Context(), reportTime)
	defer stop()
	if line := a.line(); line != nil {
		return use(ctx, line)
	}
	a.lending.Lock()
	defer a.lending.Unlock()
	config, options := a.Reader, device.Options{Rand: a.Rand, Now: a.Now}
	if id := a.identity(); id != nil { // bound, and its reader's step is behind it
		config.Driver, options.Serial = id.binding.Reader.Protocol(), string(id.binding.Reader.SN)
	}
	line := device.New(config, options)
	v, err := use(ctx, line)
	return v, errors.Join(err, line.Close())
}

// readerReport is GET /v1/reader. A reader that does not answer is a report,
// not an error.
func (a *Agent) readerReport(r *http.Request) (any, error) {
	return a.withLine(r, func(ctx context.Context, line conversation) (any, error) {
		out := local.ReaderReport{
			Schema: local.Schema, Path: a.Reader.Path, Driver: a.Reader.Driver, Baud: a.Reader.Baud,
			Can: []string{}, Unsupported: []string{},
		}
		if id := a.identity(); id != nil {
			out.Bound, out.Driver = string(id.binding.Reader.SN), id.binding.Reader.Protocol()
		}
		patience := courtesyTime
		if a.line() == nil {
			patience = searchTime // protocol and speed may have to be found first
		}
		quick, stop := context.WithTimeout(ctx, patience)
		defer stop()
		who, err := line.Identify(quick)
		if err == nil {
			out.Driver, out.Serial, out.Model, out.Firmware, out.Hardware = who.Driver, who.Serial, who.Model, who.Firmware, who.Hardware
			out.Frozen, out.EraseCounter, out.BootCount = who.Frozen, who.EraseCounter, who.BootCount
			err = abilities(quick, line, &out)
		}
		s := line.Status()
		out.State, out.Since, out.Error = string(s.State), s.Since.Unix(), s.Err
		if s.Baud != 0 {
			out.Baud = s.Baud
		}
		out.Counts = local.Line(line.Stats())
		if err != nil && out.Error == "" {
			out.Error = err.Error()
		}
		return out, nil
	})
}

// abilities asks what the reader can do, and of that what costs nothing.
func abilities(ctx context.Context, line conversation, out *local.ReaderReport) error {
	can, err := line.Capabilities(ctx)
	if err != nil {
		return err
	}
	for _, c := range can {
		out.Can = append(out.Can, string(c))
	}
	out.Unsupported = lacks(can)
	tamper, err := line.Tamper(ctx)
	switch {
	case errors.Is(err, device.ErrUnsupported):
		out.Tamper = local.CheckUnsupported
	case err != nil:
		return err
	case tamper.Detected:
		out.Tamper = "tampered"
	default:
		out.Tamper = "intact"
	}
	if !slices.Contains(can, device.CanSAM) {
		return nil
	}
	sockets, err := line.SAMSlots(ctx)
	for _, s := range sockets {
		out.Sockets = append(out.Sockets, local.Socket{Slot: s.Slot, Card: s.Card, Present: s.Present, ATR: hex.EncodeToString(s.ATR)})
	}
	return err
}

// readerSlots is GET /v1/reader/slots.
func (a *Agent) readerSlots(r *http.Request) (any, error) {
	return a.withLine(r, func(ctx context.Context, line conversation) (any, error) {
		slots, err := line.Slots(ctx)
		if err != nil {
			return nil, err
		}
		out := local.KeySlots{Schema: local.Schema, Serial: line.Status().Serial, Slots: []local.KeySlot{}}
		for _, s := range slots {
			out.Slots = append(out.Slots, local.KeySlot{
				Slot: s.ID, Type: s.Type, Alg: s.Alg, State: string(s.State), KCV: s.KCV, Method: s.Method, KSN: s.KSN,
				Retained: s.Retained, Why: s.Reason,
			})
		}
		return out, nil
	})
}

// readerTest is POST /v1/reader/test: it goes on after a check that failed, so
// that one look tells everything.
func (a *Agent) readerTest(r *http.Request) (any, error) {
	return a.withLine(r, func(ctx context.Context, line conversation) (any, error) {
		t := readerTest{line: line, out: local.ReaderTest{Schema: local.Schema, OK: true, Checks: []local.ReaderCheck{}}}
		t.bound = a.boundSerial()
		t.run(ctx)
		return t.out, nil
	})
}

// boundSerial is the bound reader's; "" where none is. It asks who this terminal is
// once, for the identity may go between two questions.
func (a *Agent) boundSerial() string {
	if id := a.identity(); id != nil {
		return string(id.binding.Reader.SN)
	}
	return ""
}

type readerTest struct {
	line  conversation
	bound string
	out   local.ReaderTest
	slots []device.Slot
}

func (t *readerTest) run(ctx context.Context) {
	before := t.line.Stats()
	if !t.check(ctx, "identity", t.identity) {
		return
	}
	t.check(ctx, "round-trip", t.rounds)
	t.check(ctx, "tamper", t.tamper)
	t.check(ctx, "list", t.list)
	t.check(ctx, "probe", t.probe)
	t.check(ctx, "sam", t.sam)
	after := t.line.Stats()
	t.out.Repeats, t.out.Damaged = after.Repeats-before.Repeats, after.Damaged-before.Damaged
}

func (t *readerTest) check(ctx context.Context, name string, ask func(context.Context) (string, error)) bool {
	detail, err := ask(ctx)
	c := local.ReaderCheck{Check: name, Result: local.CheckOK, Detail: detail}
	switch {
	case errors.Is(err, device.ErrUnsupported):
		c.Result, c.Detail = local.CheckUnsupported, ""
	case err != nil:
		c.Result, c.Detail, t.out.OK = local.CheckFailed, err.Error(), false
	}
	t.out.Checks = append(t.out.Checks, c)
	return err == nil
}

func (t *readerTest) identity(ctx context.Context) (string, error) {
	who, err := t.line.Identify(ctx)
	if err != nil {
		return "", err
	}
	t.out.Serial = who.Serial
	if t.bound != "" && who.Serial != t.bound {
		return "", fmt.Errorf("this is reader %s, and %s is bound", who.Serial, t.bound)
	}
	return strings.Join([]string{who.Serial, who.Model, who.Firmware}, ", "), nil
}

// rounds times a question that every reader answers.
func (t *readerTest) rounds(ctx context.Context) (string, error) {
	var took []time.Duration
	for range testRounds {
		begun := time.Now()
		if _, err := t.line.Identify(ctx); err != nil {
			return "", err
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	t.out.Rounds, t.out.Median, t.out.Slowest = len(took), took[len(took)/2].Microseconds(), took[len(took)-1].Microseconds()
	return fmt.Sprintf("%d questions, half of them within %s, all within %s", len(took),
		took[len(took)/2].Round(time.Microsecond), took[len(took)-1].Round(time.Microsecond)), nil
}

func (t *readerTest) tamper(ctx context.Context) (string, error) {
	state, err := t.line.Tamper(ctx)
	if err != nil {
		return "", err
	}
	if state.Detected {
		return "", errors.New("the reader was tampered with")
	}
	return "intact", nil
}

func (t *readerTest) list(ctx context.Context) (detail string, err error) {
	if t.slots, err = t.line.Slots(ctx); err != nil {
		return "", err
	}
	full := 0
	for _, s := range t.slots {
		if s.State != device.SlotEmpty {
			full++
		}
	}
	return fmt.Sprintf("%d slots, %d of them hold a key", len(t.slots), full), nil
}

// probe uses every payment key once: a slot that is listed and does not answer
// is a finding.
func (t *readerTest) probe(ctx context.Context) (string, error) {
	used, silent := 0, []string{}
	can, err := t.line.Capabilities(ctx)
	if err != nil {
		return "", err
	}
	if !slices.Contains(can, device.CanProbe) || !slices.Contains(can, device.CanList) {
		return "", device.ErrUnsupported
	}
	if t.slots == nil {
		return "", errors.New("there is no list to go by")
	}
	asked := 0
	for _, s := range t.slots {
		if s.State != device.SlotLoaded || s.Retained {
			continue
		}
		if s.Asked {
			asked++
		}
		switch err := t.line.Probe(ctx, s.ID); {
		case errors.Is(err, device.ErrNoKey):
			silent = append(silent, fmt.Sprintf("%s in slot %d", s.Type, s.ID))
		case err != nil:
			return "", err
		}
		used++
	}
	if len(silent) > 0 {
		return "", fmt.Errorf("listed as loaded and does not answer: %s", strings.Join(silent, ", "))
	}
	if asked > 0 {
		return fmt.Sprintf("%d keys answer; %d of them were only asked for, this protocol cannot use them", used, asked), nil
	}
	return fmt.Sprintf("%d keys answer", used), nil
}

func (t *readerTest) sam(ctx context.Context) (string, error) {
	sockets, err := t.line.SAMSlots(ctx)
	if err != nil {
		return "", err
	}
	present := 0
	for _, s := range sockets {
		if s.Present {
			present++
		}
	}
	return fmt.Sprintf("%d sockets, %d of them filled", len(sockets), present), nil
}
