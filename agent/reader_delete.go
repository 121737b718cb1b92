package agent

import (
	"context"
	"fmt"
	"io"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/device"
)

// A reader whose protocol knows neither tickets nor records is erased at the
// host's word. What it cannot check is checked here: the ticket of role reader
// is asked for all the same, answers a challenge that the terminal made, and is
// verified at the gate. What it cannot sign is told as "not authenticated by
// the reader". Only the signed binding makes a reader such a one, so none that
// was bound as one that checks tickets can be passed off as one that does not.

// wanted are the abilities an unbinding makes use of; what of them a reader
// lacks is told in the certificate.
var wanted = []device.Capability{
	device.CanEvents, device.CanFreeze, device.CanTamper, device.CanList, device.CanProbe, device.CanRestart,
}

// lacks names what an unbinding would use and this reader cannot do.
func lacks(can []device.Capability) []string {
	missing := []string{}
	for _, c := range wanted {
		if !slices.Contains(can, c) {
			missing = append(missing, string(c))
		}
	}
	if !slices.Contains(can, device.CanErase) && !slices.Contains(can, device.CanDelete) {
		missing = append(missing, string(device.CanErase))
	}
	return missing
}

// erasable says whether keys can be listed, erased and looked for afterwards;
// less than that is no erase that anybody could believe.
func (i *inspection) erasable() bool {
	for _, c := range []device.Capability{device.CanList, device.CanProbe, device.CanErase} {
		if slices.Contains(i.Lacks, string(c)) {
			return false
		}
	}
	return true
}

// ownChallenge is what the ticket answers where the reader has no challenge.
func (a *Agent) ownChallenge(seen *inspection) error {
	seen.Challenge = make([]byte, 16)
	if _, err := io.ReadFull(a.Rand, seen.Challenge); err != nil {
		return fmt.Errorf("cannot make a challenge: %w", err)
	}
	return nil
}

// delete erases at our word what is there now. It looks first: after a lost line
// the keys may be gone already, and telling the reader twice is never done
// blindly. That we told it is on disk before, so that keys which were gone
// without our word can be told from those that went by it.
func (e *readerErase) delete(ctx context.Context) error {
	full, err := e.full(ctx)
	if err != nil {
		return err
	}
	var ordered bool
	if _, err := e.a.journal.Get(noteOrdered, &ordered); err != nil {
		return err
	}
	if e.early = len(full) == 0 && !ordered; len(full) == 0 {
		return nil
	}
	if err := e.a.journal.Save(noteOrdered, true); err != nil {
		return err
	}
	e.a.Moment("erase-reader-keys:committing")
	return e.a.line().DeleteKeys(ctx, full)
}

const noteOrdered = "reader-delete-ordered"

// full are the slots of the scope that hold a key by the list or by a probe.
func (e *readerErase) full(ctx context.Context) ([]uint16, error) {
	now, err := e.a.line().Slots(ctx)
	if err != nil {
		return nil, err
	}
	var full []uint16
	for _, slot := range e.seen.Scope {
		after, err := e.probe(ctx, slot, now)
		if err != nil {
			return nil, err
		}
		if after != "empty" {
			full = append(full, slot)
		}
	}
	return full, nil
}

// despite looks at a reader that refused: it may have erased all the same, or
// half of it. Its own word is then only part of the detail.
func (e *readerErase) despite(ctx context.Context, ev certificate.Reader, refused error) (certificate.Reader, error) {
	problem, err := e.twice(ctx, &ev)
	if err != nil {
		return ev, err
	}
	switch {
	case problem == "" && e.a.identity().binding.Reader.Signs():
		// One that signs has to: without its record nobody outside can check who answered.
		return e.ended(ev, outcomeUnverified, "every key is gone, and there is no record of it; the reader said: "+refused.Error()), nil
	case problem == "":
		return e.ended(ev, outcomeErased, "every key is gone, though the reader said: "+refused.Error()), nil
	case slices.ContainsFunc(ev.Slots, func(s certificate.Slot) bool { return s.After == "empty" }):
		return e.ended(ev, outcomeOf(ev, device.EraseRecord{}), problem+"; the reader said: "+refused.Error()), nil
	}
	return ev, refused
}

// checkDeleted looks at a reader that signs nothing, twice over.
func (e *readerErase) checkDeleted(ctx context.Context, ev certificate.Reader) (certificate.Reader, error) {
	problem, err := e.twice(ctx, &ev)
	switch {
	case err != nil:
		return ev, err
	case problem != "":
		return e.ended(ev, outcomeOf(ev, device.EraseRecord{}), problem), nil
	case e.early:
		return e.ended(ev, outcomeUnverified, "the keys were gone before the reader was told to erase them"), nil
	}
	return e.ended(ev, outcomeErased, "the reader knows no tickets and signs no record"), nil
}
