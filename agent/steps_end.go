package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/transport"
	"unbindd/wipe"
)

// eraseIdentity destroys the terminal's last keys, only when the desk has a
// complete certificate, or somebody signed for ending without one. A partial one
// keeps the case in quarantine: the reader may come back and close it.
func (a *Agent) eraseIdentity(ctx context.Context, n *journal.Note) error {
	return lastKeys(n, a.lastActs(ctx, n))
}

func (a *Agent) lastActs(ctx context.Context, n *journal.Note) lastActs {
	return lastActs{
		may:     func() error { return a.mayEnd(ctx) },
		stands:  func() bool { return exists(a.at.tombstone()) },
		settle:  func() error { return syncDir(a.at.root) },
		engrave: a.engrave,
		erase:   func() error { return a.eraseWho(ctx, n) },
	}
}

// lastActs end an identity, each safe to repeat: may it go, is the tombstone
// there, make its name durable, write it, erase the keys.
type lastActs struct {
	stands                      func() bool
	may, settle, engrave, erase func() error
}

// lastKeys does them in their order. That the tombstone stands is written down
// before a key goes: from then on nobody can ask any more whether it may. A
// tombstone that stands already is not believed: the life that wrote it may have
// ended between its name and the folder's sync, and the next cut takes it away.
func lastKeys(n *journal.Note, do lastActs) error {
	var gone bool
	if _, err := n.Get(noteIdentity, &gone); err != nil {
		return err
	}
	if !gone {
		if err := do.may(); err != nil {
			return err
		}
		raise := do.engrave
		if do.stands() {
			raise = do.settle
		}
		if err := raise(); err != nil {
			return err
		}
		if err := n.Save(noteIdentity, true); err != nil {
			return err
		}
	}
	return do.erase()
}

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

// engrave writes the tombstone, with the preimage in the clear: whole or not at
// all, and before the keys go.
func (a *Agent) engrave() error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	e, _, err := a.signed()
	if err != nil {
		return err
	}
	s, err := certificate.Read(e)
	if err != nil {
		return err
	}
	r, err := a.keys.OpenPreimage(a.preimageLabel(s.Predicate.N))
	if err != nil {
		return err
	}
	t := certificate.Tombstone{
		Action: c.command.Action, Case: c.command.Case, Certificate: e.Digest(), Epoch: c.command.Epoch,
		IDs: []envelope.ID{}, R: r[:], Result: s.Predicate.Result, Terminal: c.command.Terminal, V: 1,
	}
	ids, err1 := a.journal.ConsumedIDs()
	seq, err2 := a.journal.LastSeq()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	for _, id := range ids {
		t.IDs = append(t.IDs, envelope.ID(id))
	}
	t.Seq = seq
	text, err := envelope.Canonical(t)
	if err != nil {
		return err
	}
	return writeFile(a.at.tombstone(), text)
}

// whoTargets are the keys of line and identity, the trust, and their folder.
func (a *Agent) whoTargets() []target {
	return slices.Concat(a.keyTargets(keys.Line, lineTarget), a.keyTargets(keys.Identity, "identity-key"), []target{
		{Target: wipe.Target{Name: "trust", Kind: "data", Path: a.at.trust(), Root: a.at.root, Requested: wipe.LevelClear}},
		{Target: wipe.Target{Name: "key-directory", Kind: "dir", Path: a.at.keys(), Root: a.at.root, Requested: wipe.LevelClear}},
	})
}

func keysOf(targets []target) (all []target) {
	for _, t := range targets {
		if t.key != nil {
			all = append(all, t)
		}
	}
	return all
}

// eraseWho destroys device key, TLS key, KEK, binding and trust. From here on
// nothing on this machine can sign.
func (a *Agent) eraseWho(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	a.forgetWho()
	targets := a.whoTargets()
	if err := a.weighKeys(keysOf(targets)); err != nil {
		return err
	}
	if err := a.eraseAll(ctx, n, c, targets); err != nil {
		return err
	}
	for _, t := range targets {
		if left, err := wipe.Look(a.Sys, t.Target); err != nil || len(left) > 0 {
			a.alarm("E26", "the device key or what belongs to it is still there")
			return fmt.Errorf("cannot erase the identity: %s is still there: %w", t.Name, errors.Join(err, errStillThere))
		}
	}
	return a.probeKeys(ctx, keys.Identity, a.keyTargets(keys.Identity, "identity-key"))
}

// errStillThere is why a terminal does not call itself unbound yet.
var errStillThere = errors.New("the medium did not let go of it")

// forgetWho ends everything that uses the identity: the link with its client
// certificate, the reader, the keys in memory.
func (a *Agent) forgetWho() {
	a.mu.Lock()
	a.id = nil // first: whoever finds no link must not make another
	a.mu.Unlock()
	a.closeReader()
	a.closeLink()
	if a.keys != nil {
		a.keys.Forget(keys.Line)
		a.keys.Forget(keys.Identity)
	}
}

// leaveTombstone reveals the preimage to the desk, which needs no key. It is the
// last word; what follows is only tidying up.
func (a *Agent) leaveTombstone(ctx context.Context, n *journal.Note) error {
	if err := a.leaveImage(ctx); err != nil {
		return err
	}
	var acc accepted
	if _, err := n.Get(noteAccepted, &acc); err != nil {
		return err
	}
	text, err := os.ReadFile(a.at.tombstone())
	if err != nil {
		return fmt.Errorf("cannot read the tombstone: %w", err)
	}
	t, err := certificate.ReadTombstone(text)
	if err != nil {
		return err
	}
	a.show.setTombstone(t, false)
	body, err := json.Marshal(map[string]any{"r": b64(t.R), "v": 1})
	if err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		rung := a.bell.wait()
		err := a.reveal(ctx, acc.Route, t, body)
		if err == nil {
			a.show.setTombstone(t, true)
			n.Say("the desk has seen the preimage")
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if forced, ferr := a.forced(); ferr != nil || forced || transport.Permanent(err) {
			n.Say("the preimage was not revealed: %v", err)
			return ferr
		}
		a.waiting("tombstone", "the desk, to reveal the preimage", err)
		if err := a.rest(ctx, rung, tries, err); err != nil {
			return err
		}
	}
}

// forced says whether the case was ended by a signed close, which is for a desk
// that may never answer again.
func (a *Agent) forced() (bool, error) {
	var raw json.RawMessage
	return a.journal.Get(noteClose, &raw)
}

// reveal sends r over pinned TLS without a client certificate.
func (a *Agent) reveal(ctx context.Context, way route, t certificate.Tombstone, body []byte) error {
	link, err := a.ways(way, transport.Identity{
		Terminal: string(t.Terminal), Roots: []byte(way.CA), Pins: way.Pins, Now: a.clock.wall,
	})
	if err != nil {
		return err
	}
	return errors.Join(link.Reveal(ctx, string(t.Case), body), link.Close())
}

// bury erases the journal and what else is left of the case; the tombstone
// stays. It is not a step: the journal that would record it is what goes. The
// mark on disk says that it may go, and is what a cut finds.
func (a *Agent) bury() error {
	if a.journal != nil {
		if err := a.journal.Close(); err != nil {
			return fmt.Errorf("cannot close the journal: %w", err)
		}
	}
	if err := writeFile(a.at.buryMark(), nil); err != nil {
		return err
	}
	ev := wipe.Erase(context.Background(), a.Sys, wipe.Target{
		Name: "journal", Kind: "data", Path: a.at.journal(), Root: a.at.root, Requested: "clear", Depth: a.depth(),
	}, func(op string) { a.Moment("wipe/journal:" + op) })
	if ev.Verified != certificate.Pass {
		return fmt.Errorf("cannot erase the journal: %s", ev.Reason)
	}
	if err := os.Remove(a.at.buryMark()); err != nil {
		return fmt.Errorf("cannot remove the last mark: %w", err)
	}
	a.Log.Info().Msg("this terminal is unbound; a tombstone is all that is left")
	return syncDir(a.at.root)
}
