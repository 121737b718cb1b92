package agent

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/device"
	"unbindd/transport"
)

// enrolAnswer is what the desk sends back.
type enrolAnswer struct {
	Binding     json.RawMessage   `json:"binding"`
	CA          string            `json:"ca"`
	Certificate string            `json:"certificate"`
	Pairing     []byte            `json:"pairing"`
	Profiles    []json.RawMessage `json:"profiles"`
	Salt        []byte            `json:"salt"`
	Trust       []json.RawMessage `json:"trust"`
}

// enrolment is one becoming bound, with what it has found out so far.
type enrolment struct {
	parts   Parts
	at      places
	sealed  *envelope.Envelope
	ticket  enrol.Ticket
	request enrol.Request
	store   *keys.Store
	answer  enrolAnswer
	old     *certificate.Tombstone // of the last enrolment, or nil
}

// Anchor reads the digest of the first trust bundle from an enrolment ticket,
// for people to compare out of band.
func Anchor(ticket []byte) (envelope.Digest, enrol.Ticket, error) {
	e, err := envelope.Parse(ticket, envelope.MaxSize)
	if err != nil {
		return "", enrol.Ticket{}, err
	}
	t, err := enrol.ReadTicket(e)
	return t.Trust, t, err
}

// Enrol binds the terminal with a ticket whose anchor a person has compared.
// It may be cut anywhere and called again with the same ticket: the keys and the
// request are on disk before anything is posted, and the last rename is the
// commit. A terminal that is bound is refused; so is one that was retired, and one
// whose daemon runs, which would go on as unbound as it began (journal.ErrLocked).
func Enrol(ctx context.Context, parts Parts, ticket []byte) (bound enrol.Binding, err error) {
	var none enrol.Binding
	n := &enrolment{parts: parts, at: places{parts.Config.StateDir}}
	if err := n.readTicket(ticket); err != nil {
		return none, err
	}
	release, err := n.hold()
	if err != nil {
		return none, err
	}
	defer func() { err = errors.Join(err, release()) }()
	for _, step := range []func() error{
		n.mayEnrol,
		n.makeKeys,
		func() error { return n.makeRequest(ctx) },
		func() error { return n.post(ctx) },
	} {
		if err := step(); err != nil {
			return none, err
		}
	}
	return n.accept()
}

func (n *enrolment) readTicket(text []byte) (err error) {
	if n.sealed, err = envelope.Parse(text, envelope.MaxSize); err != nil {
		return err
	}
	if n.ticket, err = enrol.ReadTicket(n.sealed); err != nil {
		return err
	}
	own := n.parts.Config.Terminal.Serial
	if own != "" && own != string(n.ticket.Serial) {
		return envelope.Refuse("E30", "serial", "cannot enrol: the ticket is for another serial number than this machine's")
	}
	return nil
}

// hold takes the state directory. Whoever enrols a bound terminal beside its daemon
// is told that it is bound: stopping the daemon would not help.
func (n *enrolment) hold() (release func() error, err error) {
	if err := makeDirs(n.at.root); err != nil {
		return nil, err
	}
	release, err = holdState(n.at.root)
	if errors.Is(err, journal.ErrLocked) {
		if exists(n.at.binding()) && !exists(n.at.tombstone()) {
			return nil, errBound
		}
		return nil, fmt.Errorf("cannot enrol: %w", err)
	}
	return release, err
}

var errBound = envelope.Refuse("E19", "bound", "cannot enrol: this terminal is bound; it must be unbound first")

// mayEnrol looks at what is in the state directory.
func (n *enrolment) mayEnrol() error {
	if exists(n.at.buryMark()) {
		return envelope.Refuse("E19", "bury", "cannot enrol: the last journal is not erased yet; start the daemon once")
	}
	text, err := os.ReadFile(n.at.tombstone())
	if errors.Is(err, os.ErrNotExist) {
		if exists(n.at.binding()) {
			return errBound
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the tombstone: %w", err)
	}
	old, err := certificate.ReadTombstone(text)
	if err != nil {
		return err
	}
	if old.Action != command.Rebind {
		return envelope.Refuse("E30", "retired", "cannot enrol: this terminal was unbound for good (%s)", old.Action)
	}
	if exists(n.at.journal()) && !n.emptyJournal() {
		return envelope.Refuse("E19", "", "cannot enrol: the last unbinding has not ended")
	}
	n.old = &old
	return nil
}

// emptyJournal says whether the journal is only the beginning of this very
// enrolment, cut before.
func (n *enrolment) emptyJournal() bool {
	j, err := journal.Open(n.at.journal(), journal.Options{})
	if err != nil {
		return false
	}
	_, run, err := j.Current()
	return errors.Join(err, j.Close()) == nil && !run
}

func (n *enrolment) makeKeys() (err error) {
	if err := makeDirs(n.at.trust()); err != nil {
		return err
	}
	n.store, err = keys.Open(n.at.keys())
	if errors.Is(err, keys.ErrAbsent) {
		n.store, err = keys.Create(n.at.keys(), n.parts.Rand)
	}
	if err == nil && !n.store.Has(keys.Identity) {
		if err = n.store.Unread(keys.Identity); err != nil && !errors.Is(err, keys.ErrDamaged) {
			return fmt.Errorf("cannot enrol: %w", err) // whoever emptied the directory for that would lose whole keys
		}
		err = errors.New("cannot enrol: the key store is half erased; empty the state directory")
	}
	return err
}

// makeRequest reads the reader, and writes the request down before it is posted:
// the same nonce must always be the same bytes.
func (n *enrolment) makeRequest(ctx context.Context) error {
	text, err := os.ReadFile(n.at.request())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot enrol: the request that was made cannot be read: %w", err)
	}
	if err == nil {
		if e, err := envelope.Parse(text, envelope.MaxSize); err == nil {
			if n.request, err = enrol.OpenRequest(e); err == nil && n.request.Ticket == n.sealed.Digest() {
				return nil
			}
		}
	}
	reader := device.New(n.parts.Reader, device.Options{Rand: n.parts.Rand})
	who, err := reader.Identify(ctx)
	if err = errors.Join(err, reader.Close()); err != nil {
		return fmt.Errorf("cannot enrol: the card reader does not tell who it is: %w", err)
	}
	tls, err := publicDER(n.store)
	if err != nil {
		return err
	}
	n.request = enrol.Request{
		Device: devicePublic(n.store.DevicePublic()), Driver: boundName(who.Driver), Nonce: n.ticket.Nonce, Reader: envelope.ID(who.Serial),
		Serial: n.ticket.Serial, Terminal: n.ticket.Terminal, Ticket: n.sealed.Digest(), TLS: tls, V: 1,
	}
	e, err := envelope.Seal(envelope.Type("enrol-request"), n.request, deviceSigner(n.store))
	if err != nil {
		return err
	}
	return writeFile(n.at.request(), e.Encode())
}

// boundName is a protocol as a binding names it: pedlink needs no name.
func boundName(driver string) envelope.ID {
	if driver == enrol.Pedlink {
		return ""
	}
	return envelope.ID(driver)
}

func (n *enrolment) post(ctx context.Context) error {
	body, err := os.ReadFile(n.at.request())
	if err != nil {
		return fmt.Errorf("cannot read the enrolment request: %w", err)
	}
	config := n.parts.Link
	if config.URL == "" {
		config.URL = string(n.ticket.URL)
	}
	reply, err := transport.Enrol(ctx, config, transport.Identity{Pins: []string{string(n.ticket.SPKI)}}, body)
	if err != nil {
		return deskRefusal("cannot enrol", err)
	}
	if err := json.Unmarshal(reply, &n.answer); err != nil {
		return fmt.Errorf("cannot enrol: the desk's answer cannot be read: %w", err)
	}
	return nil
}

// accept verifies everything against the anchor, writes it down, and commits.
func (n *enrolment) accept() (enrol.Binding, error) {
	b, bundles, err := n.verify()
	if err != nil {
		return b, err
	}
	if b.Reader.Signs() {
		pairing := keys.NewSecret(n.answer.Pairing)
		defer pairing.Wipe()
		if err := n.store.SetPairing(pairing); err != nil {
			return b, err
		}
	}
	way := route{
		URL: string(n.ticket.URL), Pins: []string{string(n.ticket.SPKI)}, CA: n.answer.CA,
		Certificate: n.answer.Certificate, Anchor: n.ticket.Trust, Salt: n.answer.Salt,
	}
	bound, err := envelope.Parse(n.answer.Binding, envelope.MaxSize)
	if err != nil {
		return b, err
	}
	way.Binding = bound.Digest()
	text, err := json.Marshal(way)
	if err != nil {
		return b, fmt.Errorf("cannot write the route: %w", err)
	}
	profiles, err := json.Marshal(n.answer.Profiles)
	if err != nil {
		return b, fmt.Errorf("cannot write the profiles: %w", err)
	}
	for path, content := range map[string][]byte{
		n.at.route(): text, n.at.profiles(): profiles, n.at.bundles(): encodeAll(bundles),
	} {
		if err := writeFile(path, content); err != nil {
			return b, err
		}
	}
	if err := n.remember(b.Epoch); err != nil {
		return b, err
	}
	return b, n.commit()
}

func (n *enrolment) verify() (b enrol.Binding, bundles []*envelope.Envelope, err error) {
	if bundles, err = parseAll(n.answer.Trust); err != nil {
		return b, nil, err
	}
	t, err := trust.Chain(n.ticket.Trust, bundles)
	if err != nil {
		return b, nil, err
	}
	if _, err := t.Verify(n.sealed, "enrol-ticket"); err != nil {
		return b, nil, err
	}
	e, err := envelope.Parse(n.answer.Binding, envelope.MaxSize)
	if err != nil {
		return b, nil, err
	}
	if b, err = enrol.OpenBinding(e, t); err != nil {
		return b, nil, err
	}
	last := int64(0)
	if n.old != nil {
		last = n.old.Epoch
	}
	if err := b.Fits(n.ticket, n.request, last); err != nil {
		return b, nil, err
	}
	all, err := parseAll(n.answer.Profiles)
	if err != nil {
		return b, nil, err
	}
	for _, p := range all {
		if _, err := profile.Open(p, t); err != nil {
			return b, nil, err
		}
	}
	return b, bundles, nil
}

// remember makes the journal and takes over the consumed ids of the tombstone.
func (n *enrolment) remember(epoch int64) error {
	j, err := journal.Create(n.at.journal(), journal.Options{Reserve: journalReserve})
	if err != nil {
		return err
	}
	var ids []string
	if n.old != nil {
		for _, id := range n.old.IDs {
			ids = append(ids, string(id))
		}
	}
	return errors.Join(j.Inherit(ids, epoch), j.Close())
}

// commit writes the binding; where there was a tombstone, its new name is the
// commit, because as long as it stands under the old one the terminal is unbound.
func (n *enrolment) commit() error {
	if err := writeFile(n.at.binding(), n.answer.Binding); err != nil {
		return err
	}
	if n.old == nil {
		return nil
	}
	return rename(n.at.tombstone(), n.at.buried(n.old.Epoch))
}

// deskRefusal keeps the desk's own code where it gave one.
func deskRefusal(what string, err error) error {
	var status *transport.Status
	if errors.As(err, &status) && status.Err != "" {
		code, detail, _ := cutCode(status.Err)
		return envelope.Refuse(code, detail, "%s: the desk refuses: %w", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// publicDER is the TLS key as the desk wants it for the client certificate.
func publicDER(store *keys.Store) ([]byte, error) {
	key, err := store.TLSKey()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("cannot enrol: %w", err)
	}
	return der, nil
}
