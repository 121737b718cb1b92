package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"unbindd/agent/certificate"
	"unbindd/device"
)

// twice looks, and looks again where that found nothing.
func (e *readerErase) twice(ctx context.Context, ev *certificate.Reader) (problem string, err error) {
	if problem, err = e.look(ctx, ev); err != nil || problem != "" {
		return problem, err
	}
	return e.again(ctx, ev)
}

// checkEmpty looks at a reader that held no key when it was inspected: much may have been loaded since, and another
// one may be connected.
func (e *readerErase) checkEmpty(ctx context.Context, ev certificate.Reader) (certificate.Reader, error) {
	problem, err := e.twice(ctx, &ev)
	switch {
	case err != nil:
		return ev, err
	case problem != "":
		return e.ended(ev, outcomeIncomplete, problem), nil
	}
	return e.ended(ev, outcomeErased, "no slot held a key"), nil
}

// again looks once more, after the line was opened anew.
func (e *readerErase) again(ctx context.Context, ev *certificate.Reader) (string, error) {
	if err := e.a.line().Reopen(ctx); err != nil {
		return "", err
	}
	return e.look(ctx, ev)
}

// afterRestart looks once more after the reader itself was restarted: what was
// only hidden until then comes back. One that cannot restart is looked at after
// the line was opened anew, and the evidence says so.
func (e *readerErase) afterRestart(ctx context.Context, ev *certificate.Reader) (string, error) {
	limited, stop := context.WithTimeout(ctx, restartTime)
	defer stop()
	err := e.a.line().Reboot(limited)
	switch {
	case errors.Is(err, device.ErrUnsupported):
		ev.Detail = strings.TrimSpace(ev.Detail + "; the reader cannot be restarted")
		return e.again(ctx, ev)
	case errors.Is(err, device.ErrNoRestart):
		return "the reader did not restart when it was told to", nil
	case err != nil:
		return "", err
	}
	who, err := e.a.line().Identify(ctx)
	if err == nil && who.BootCount == 0 {
		ev.Detail = strings.TrimSpace(ev.Detail + "; it counts no starts: that it fell silent when told to restart is all that shows it")
	}
	if err != nil {
		return "", err
	}
	return e.look(ctx, ev)
}

// restartTime is how long a reader may take to come back.
const restartTime = 60 * time.Second

// look lists the slots, probes every one that was full, and reads the counter.
// It returns what is not as it should be, or "".
func (e *readerErase) look(ctx context.Context, ev *certificate.Reader) (problem string, err error) {
	who, err := e.a.line().Identify(ctx)
	if err != nil {
		return "", err
	}
	if who.Serial != e.seen.Serial {
		return "", device.ErrForeign{Serial: who.Serial}
	}
	if want := e.counterAfter(); who.EraseCounter != want {
		problem = fmt.Sprintf("the erase counter is %d and should be %d", who.EraseCounter, want)
	}
	now, err := e.a.line().Slots(ctx)
	if err != nil {
		return "", err
	}
	if p := e.outside(now); p != "" {
		problem = p
	}
	for i := range ev.Slots {
		after, err := e.probe(ctx, uint16(ev.Slots[i].Slot), now)
		if err != nil {
			return "", err
		}
		ev.Slots[i].After = after
		if after != "empty" {
			problem = fmt.Sprintf("slot %d %s", ev.Slots[i].Slot, after)
		}
	}
	return problem, nil
}

// counterAfter is where the erase counter must stand: moved by exactly one, or
// still where it was in a reader that counts nothing or had nothing to erase.
func (e *readerErase) counterAfter() uint32 {
	if len(e.seen.Scope) > 0 && e.a.identity().binding.Reader.Signs() {
		return e.seen.EraCnt + 1
	}
	return e.seen.EraCnt
}

// probe uses the slot's key: the only good news is that there is none.
func (e *readerErase) probe(ctx context.Context, slot uint16, now []device.Slot) (string, error) {
	err := e.a.line().Probe(ctx, slot)
	var refused device.ErrRefused
	switch {
	case err == nil:
		return "answers", nil
	case errors.As(err, &refused):
		return "refused", nil
	case !errors.Is(err, device.ErrNoKey):
		return "", err
	}
	for _, s := range now {
		if s.ID == slot && s.State != device.SlotEmpty {
			return "listed", nil
		}
	}
	return "empty", nil
}

// outside says whether a slot outside the scope changed.
func (e *readerErase) outside(now []device.Slot) string {
	for _, before := range e.seen.Slots {
		if slices.Contains(e.seen.Scope, before.Slot) {
			continue
		}
		i := slices.IndexFunc(now, func(s device.Slot) bool { return s.ID == before.Slot })
		if i < 0 || now[i].KCV != before.KCV || string(now[i].State) != before.State {
			return fmt.Sprintf("slot %d outside the scope has changed", before.Slot)
		}
	}
	for _, s := range now {
		known := slices.ContainsFunc(e.seen.Slots, func(before slotSeen) bool { return before.Slot == s.ID })
		if !known && s.State != device.SlotEmpty {
			return fmt.Sprintf("slot %d was not there before and holds a key", s.ID)
		}
	}
	return ""
}
