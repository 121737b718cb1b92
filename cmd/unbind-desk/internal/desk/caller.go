package desk

import (
	"crypto/x509"
	"errors"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Caller is who asks, as its client certificate says and the store confirms.
type Caller struct {
	Terminal envelope.ID
	Binding  envelope.Digest
	Signer   bool // the ticket signer, which is no terminal
	Gone     bool // its key was reported destroyed: only what it sent before is answered again
}

// Caller finds who a certificate belongs to. That the CA signed it is not
// enough: key, serial number and enrolment must be the ones on record, so a
// certificate dies with its epoch, whatever its dates.
func (d *Desk) Caller(cert *x509.Certificate) (Caller, error) {
	spki, err := authority.ClientSPKI(cert)
	if err != nil {
		return Caller{}, err
	}
	serial := authority.SerialOf(cert)
	if d.Signer != nil && cert.Equal(d.Signer) {
		return Caller{Signer: true}, nil
	}
	var who Caller
	var about envelope.ID
	var ghost envelope.ID // the case in which the key was reported destroyed, where that is news
	err = d.look(func(tx *store.Tx) error {
		client, err := tx.Client(spki)
		if err != nil || client.Serial != serial {
			return refuse(ErrForeign, "E10", "certificate", "cannot serve the client: its certificate is not on record")
		}
		about = client.Terminal
		t, err := tx.Terminal(client.Terminal)
		if err != nil {
			return err
		}
		if t.Binding != client.Binding {
			if ghost, err = d.ghost(tx, client); err != nil {
				return err
			}
			return refuse(ErrForeign, "E10", "certificate", "cannot serve the client: its certificate belongs to a former enrolment")
		}
		who = Caller{Terminal: client.Terminal, Binding: client.Binding}
		in, err := goneIn(tx, t)
		if err != nil || in == "" {
			return err
		}
		who.Gone = true
		unheard, err := d.unheard(tx, Zombie, string(t.ID))
		if unheard {
			ghost = in
		}
		return err
	})
	if ghost != "" {
		err = errors.Join(err, d.haunted(about, ghost))
	}
	return who, err
}

// goneIn is the case in which a terminal, as it is enrolled now, reported its key
// destroyed; "" where there is none.
func goneIn(tx *store.Tx, t store.Terminal) (envelope.ID, error) {
	for _, id := range t.Cases() {
		c, err := tx.CaseState(id)
		if errors.Is(err, store.ErrAbsent) {
			continue
		}
		if err != nil {
			return "", err
		}
		if c.State == Gone && c.Binding == t.Binding {
			return id, nil
		}
	}
	return "", nil
}

// ghost is the case that a former enrolment of a terminal ended in, where the terminal
// reported its key destroyed and nobody has heard that it is back; "" where there is none.
func (d *Desk) ghost(tx *store.Tx, client store.Client) (envelope.ID, error) {
	unheard, err := d.unheard(tx, Zombie, string(client.Terminal))
	if err != nil || !unheard {
		return "", err
	}
	for from := ""; ; {
		page, err := tx.CasesBy(store.By{Terminal: client.Terminal}, from, CasesPage)
		if err != nil {
			return "", err
		}
		for _, c := range page {
			if c.State == Gone && c.Binding == client.Binding {
				return c.ID, nil
			}
			from = c.Place
		}
		if len(page) < CasesPage {
			return "", nil
		}
	}
}
