package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"unbindd/agent/command"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/merkle"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/dossier"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Piece is one file of an exported case.
type Piece struct {
	Name string
	Size int64
	Open func() (io.ReadCloser, error)

	digest envelope.Digest // of its bytes
}

func inline(name string, body []byte) Piece {
	return Piece{Name: name, Size: int64(len(body)), digest: envelope.DigestOf(body), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	}}
}

// Export lists everything the desk has of a case under the names of package
// dossier: the piece that counts under its plain name, what it superseded beside, and
// at last the signed index of them all.
func (d *Desk) Export(text string) ([]Piece, error) {
	id, err := Name("case", text)
	if err != nil {
		return nil, err
	}
	d.signOwed(id)
	x := &exporter{desk: d, id: id, keys: map[envelope.KeyID]envelope.PublicKey{}}
	if err := d.look(func(tx *store.Tx) error { return x.collect(tx, id) }); err != nil {
		return nil, err
	}
	x.index()
	return x.pieces, nil
}

// exporter gathers pieces, and the public keys that signed them.
type exporter struct {
	desk   *Desk
	id     envelope.ID
	of     store.Case
	pieces []Piece
	keys   map[envelope.KeyID]envelope.PublicKey

	size       int64 // of the log
	checkpoint []byte
}

func (x *exporter) collect(tx *store.Tx, id envelope.ID) error {
	c, err := tx.Case(id)
	if err != nil {
		return absent(err, "case", "the case")
	}
	x.of = c
	if x.desk.Receipts != nil {
		x.key(x.desk.Receipts.Public()) // of the index
	}
	for _, step := range []func(*store.Tx, store.Case) error{x.origin, x.objects, x.campaign, x.sealed, x.history} {
		if err := step(tx, c); err != nil {
			return err
		}
	}
	return x.public()
}

// origin is what the case stands on: trust, enrolment, binding, profile.
func (x *exporter) origin(tx *store.Tx, c store.Case) error {
	bundles, err := directory.Array(x.desk.bundles())
	if err != nil {
		return err
	}
	b, err := tx.Binding(c.Binding)
	if err != nil {
		return err
	}
	admitted, err := tx.Enrolment(b.Nonce)
	if err != nil {
		return err
	}
	order, err := parse[command.Command](c.Draft)
	if err != nil {
		return err
	}
	profile, err := profileOf(tx, order.Profile.ID, order.Profile.Digest)
	if err != nil {
		return err
	}
	for _, e := range x.desk.bundles() {
		x.signed(e)
	}
	x.add(dossier.Anchor, []byte(x.desk.Anchor+"\n"))
	x.add(dossier.Trust, bundles)
	for name, body := range map[string][]byte{dossier.Binding: b.Envelope, dossier.EnrolTicket: admitted.Ticket, dossier.Profile: profile} {
		if err := x.envelope(name, body); err != nil {
			return err
		}
	}
	binding, err := parse[enrol.Binding](b.Envelope)
	x.key(binding.Device)
	if binding.Reader.Signs() {
		x.key(envelope.PublicKey{Alg: envelope.Ed25519, Pub: binding.Reader.Pub})
	}
	return err
}

// objects puts every object under its name. Of manifests and what belongs to
// them the newest receipted one counts, of certificates the newest.
func (x *exporter) objects(tx *store.Tx, c store.Case) error {
	counts, err := counting(tx, c.ID)
	if err != nil {
		return err
	}
	return tx.Kinds(c.ID, func(kind string, o store.Object) error {
		name := dossier.NameOf(kind, o.N, o.N == counts[kind])
		if err := x.prove(tx, kind, name, o); err != nil {
			return err
		}
		switch kind {
		case grounds.KindBackup:
			return nil // its bytes are in the blob folder
		case "tombstone":
			x.add(name, o.Body)
			return nil
		case "ticket":
			x.add(name, o.Body)
			return x.ticketKey(tx, c, o)
		}
		return x.envelope(name, o.Body)
	})
}

// campaign adds the campaign that the case was published in, if any.
func (x *exporter) campaign(tx *store.Tx, c store.Case) error {
	o, err := campaignOf(tx, c)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := x.prove(tx, "campaign", dossier.Campaign, o); err != nil {
		return err
	}
	return x.envelope(dossier.Campaign, o.Body)
}

// prove adds the proof that an object stands in the log. All of an export are
// under one checkpoint, for they are read in one transaction. Of sealed files
// only the newest is exported.
func (x *exporter) prove(tx *store.Tx, kind, name string, o store.Object) error {
	if kind == grounds.KindBackup {
		last, err := tx.Newest(x.id, kind)
		if err != nil || last.N != o.N {
			return err
		}
		name = dossier.Sealed
	}
	if x.checkpoint == nil {
		var err error
		if x.size, x.checkpoint, err = x.desk.newestCheckpoint(tx); err != nil {
			return err
		}
		if key, ok := x.desk.trust().Keys[x.desk.trust().Log.Key]; ok {
			x.key(key.Public())
		}
	}
	if o.Leaf >= x.size { // behind a leaf that cannot be read: the case goes out, and whoever verifies it hears what is missing
		x.desk.trouble("a case is exported without a proof", unproven(tx, o.Leaf, x.size))
		return nil
	}
	proof, err := merkle.Prove(o.Leaf, x.size, x.checkpoint, tx.Hashes)
	x.add(dossier.ProofOf(name), proof)
	return err
}

func counting(tx *store.Tx, id envelope.ID) (map[string]int64, error) {
	counts := map[string]int64{"command": 1, "papers": 1, "tombstone": 1, receiptOf(grounds.KindTombstone): 1}
	receipted, err := newest(tx, id, receiptOf(grounds.KindBackup))
	if err == nil && receipted == 0 {
		receipted, err = newest(tx, id, manifest.Kind)
	}
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{manifest.Kind, receiptOf(grounds.KindBackup), "ticket", kindCustody} {
		counts[kind] = receipted
	}
	last, err := newest(tx, id, "certificate")
	counts["certificate"], counts[receiptOf(grounds.KindCertificate)], counts[kindValidation] = last, last, last
	return counts, err
}

// ticketKey finds the key that signed a ticket, which names none. It verifies nothing
// else: a case whose signers were revoked since must still be handed out.
func (x *exporter) ticketKey(tx *store.Tx, c store.Case, o store.Object) error {
	f, err := ticket.Read(o.Body)
	if err != nil {
		return err
	}
	held, err := tx.Object(store.Key{Case: c.ID, Kind: manifest.Kind, N: o.N})
	if err != nil {
		return err
	}
	m, err := parse[manifest.Manifest](held.Body)
	if err != nil {
		return err
	}
	claimed, err := claims(tx, c, o.N)
	if err != nil {
		return err
	}
	for _, authority := range claimed {
		order, err := grounds.OrderFor(m, authority)
		if err != nil {
			return err
		}
		message, err := order.Message()
		if err != nil {
			return err
		}
		for _, t := range x.desk.versions() {
			for _, key := range t.RoleKeys(trust.Reader) {
				if key.Verify(message, f.Sig) {
					x.key(key)
				}
			}
		}
	}
	return nil
}

// claims are the digests that a ticket for the n-th manifest can rest on.
func claims(tx *store.Tx, c store.Case, n int64) ([]envelope.Digest, error) {
	all := []envelope.Digest{c.Command}
	r, err := tx.Object(store.Key{Case: c.ID, Kind: receiptOf(grounds.KindBackup), N: n})
	if err == nil {
		all = append(all, r.Digest)
	} else if !errors.Is(err, store.ErrAbsent) {
		return nil, err
	}
	err = tx.Objects(c.ID, "amend", func(o store.Object) error {
		all = append(all, o.Digest)
		return nil
	})
	return all, err
}

// sealed adds the sealed file of the manifest that counts.
func (x *exporter) sealed(tx *store.Tx, c store.Case) error {
	o, err := tx.Newest(c.ID, grounds.KindBackup)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	f, size, err := x.desk.Blobs.Open(o.Digest)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("cannot export the sealed file: %w", err)
	}
	x.pieces = append(x.pieces, Piece{Name: dossier.Sealed, Size: size, digest: o.Digest, Open: func() (io.ReadCloser, error) {
		f, _, err := x.desk.Blobs.Open(o.Digest)
		return f, err
	}})
	return nil
}

func (x *exporter) history(tx *store.Tx, c store.Case) error {
	lines, err := tx.History(c.ID)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(struct {
		Case     envelope.ID   `json:"case"`
		State    State         `json:"state"`
		Terminal envelope.ID   `json:"terminal"`
		History  []store.Entry `json:"history"`
	}{c.ID, c.State, c.Terminal, lines}, "", "  ")
	x.add(dossier.History, append(body, '\n'))
	return err
}

func (x *exporter) add(name string, body []byte) { x.pieces = append(x.pieces, inline(name, body)) }

func (x *exporter) envelope(name string, body []byte) error {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return err
	}
	x.signed(e)
	x.add(name, body)
	return nil
}

// signed notes the keys of an envelope that the bundles know.
func (x *exporter) signed(e *envelope.Envelope) {
	for _, s := range e.Signatures {
		for _, t := range x.desk.versions() { // it may have gone since
			if key, ok := t.Keys[s.KeyID]; ok {
				x.key(key.Public())
			}
		}
	}
}

func (x *exporter) key(k envelope.PublicKey) { x.keys[k.ID()] = k }

func (x *exporter) public() error {
	for id, key := range x.keys {
		text, err := authority.PublicPEM(key)
		if err != nil {
			return err
		}
		x.add(dossier.KeyFile(id), text)
	}
	return nil
}
