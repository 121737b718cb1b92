package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/receipt"
	"unbindd/wipe"
)

// mayEnd waits until the identity may go, or sends the plan back to the reader.
func (a *Agent) mayEnd(ctx context.Context) error {
	for {
		rung := a.bell.wait()
		if ok, err := a.ended(); err != nil || ok {
			return err
		}
		if err := a.backToReader(); err != nil {
			return err
		}
		a.waiting("erase-identity", a.endWaitsFor(), nil)
		if err := a.rest(ctx, rung, 0, nil); err != nil {
			return err
		}
	}
}

// endWaitsFor says what can end a partial case: a reader that was erased needs no
// repair.
func (a *Agent) endWaitsFor() string {
	e, ok, err := a.signed()
	if err != nil || !ok {
		return waitsReader
	}
	s, err := certificate.Read(e)
	if err != nil {
		return waitsReader
	}
	return endOf(&s.Predicate)
}

func endOf(p *certificate.Predicate) string {
	if nextAction(p.Reader) != "" {
		return waitsReader
	}
	var short []string
	for _, m := range p.Media {
		if m.Verified != certificate.Pass || wipe.Level(m.LevelAchieved).Rank() < wipe.Level(m.LevelRequested).Rank() {
			short = append(short, m.Name)
		}
	}
	if len(short) == 0 {
		return waitsClose
	}
	return waitsClose + ", for less than was asked for: " + strings.Join(short, ", ")
}

// What a partial case waits for; unbindctl has the words in Chinese.
const (
	waitsReader = "a repaired reader, or a signed close"
	waitsClose  = "a signed close"
)

// backToReader sends the plan back to an open reader that answers again.
func (a *Agent) backToReader() error {
	if !a.readerIsBack() {
		return nil
	}
	return &journal.Again{
		Steps: []string{"erase-reader-keys", "verify-erased", "sign-certificate", "deliver-certificate", "erase-identity"},
		Why:   "the reader answers again",
	}
}

// ended says whether a complete certificate is receipted, a close is there, or
// an amendment lets a receipted partial one stand.
func (a *Agent) ended() (bool, error) {
	if closed, err := a.closedBy(); err != nil || closed {
		return closed, err
	}
	if _, err := a.certificateReceipt(); err != nil {
		return false, nil
	}
	e, _, err := a.signed()
	if err != nil {
		return false, err
	}
	s, err := certificate.Read(e)
	if err != nil {
		return false, err
	}
	c, err := a.openCase()
	if err != nil {
		return false, err
	}
	return c.endsWith(s.Predicate.Result), nil
}

// endsWith says whether a receipted certificate that says this may be the last
// word.
func (c *caseFile) endsWith(result string) bool {
	_, partial := c.allows(command.AllowPartial)
	return result == certificate.Complete || partial
}

// readerIsBack says whether the bound reader answers although its step is open.
// A reader that refused or lied is asked again only after it was away.
func (a *Agent) readerIsBack() bool {
	open, err := a.readerOpen()
	seen, serr := a.inspected()
	if errors.Join(err, serr) != nil || !open || seen.Absent { // one that was absent has no ticket
		return false
	}
	boot, live := a.readerBoot()
	if !live {
		return false
	}
	var last lastSeen
	answered, err := a.journal.Get(noteLastBoot, &last)
	switch {
	case err != nil:
		return false
	case !answered:
		return true // it was away when its step was left open
	case boot == 0:
		return a.away.Load() > last.Away // it counts no starts: that it was away is all there is
	}
	return boot != last.Boot
}

const noteLastBoot = "reader-last-seen" // lastSeen of a reader that answered and was not erased

// lastSeen is when a reader answered last: in which of its starts, and after how
// many losses of the line since the daemon began.
type lastSeen struct {
	Boot uint32 `json:"boot"`
	Away int64  `json:"away"`
}

// keepBoot notes the boot of a reader that answers and was not erased: it is
// asked again only after it was restarted or repaired.
func (a *Agent) keepBoot(n *journal.Note) error {
	boot, live := a.readerBoot()
	if !live {
		return nil
	}
	return n.Keep(noteLastBoot, lastSeen{Boot: boot, Away: a.away.Load()})
}

func (a *Agent) readerBoot() (uint32, bool) {
	who, err := a.who(context.Background())
	return who.BootCount, err == nil && who.Serial == string(a.identity().binding.Reader.SN)
}

// takeLast takes what may come once the identity is gone: a close, for a desk that may
// never sign for the tombstone. It is held to the trust of the identity's last moment.
func (a *Agent) takeLast(text []byte) local.Object {
	e, perr := envelope.Parse(text, envelope.MaxSize)
	run, begun, err := a.current()
	if perr != nil || e.PayloadType != envelope.Type("close") || err != nil || !begun || run.Outcome != journal.Running || !run.Crossed {
		return refusedObject("file", "", errNotBound)
	}
	why, err := a.closes(e)
	if why != nil {
		return refusedObject("close", e.Digest(), why)
	}
	if err == nil {
		err = a.journal.Save(noteClose, json.RawMessage(e.Encode()))
	}
	var said command.Close
	if err == nil {
		err = envelope.Decode(e.Payload, &said)
	}
	if err != nil {
		return refusedObject("close", e.Digest(), envelope.Refuse("E18", "", "cannot take the close: %w", err))
	}
	a.Log.Info().Str("kind", "close").Str("case", string(said.Case)).Msg("taken")
	a.bell.ring()
	return local.Object{Kind: "close", Digest: string(e.Digest()), Outcome: "accepted", Case: string(said.Case)}
}

// wasTold says whether the desk's receipt for this tombstone lies beside it. It was
// verified when it was kept; nobody here can do that any more.
func (a *Agent) wasTold(t certificate.Tombstone) bool {
	text, err := os.ReadFile(a.at.told())
	if err != nil {
		return false
	}
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		return false
	}
	var r receipt.Receipt
	return envelope.Decode(e.Payload, &r) == nil && r.Kind == receipt.Tombstone && r.Case == t.Case && r.Subject == certificate.Commitment(t.R)
}
