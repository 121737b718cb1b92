package store

import (
	"bytes"
	"errors"

	"unbindd/agent/envelope"
)

// Terminal reads a terminal.
func (t *Tx) Terminal(id envelope.ID) (Terminal, error) {
	return get[Terminal](t, inTerminals, string(id))
}

// PutTerminal writes a terminal.
func (t *Tx) PutTerminal(v Terminal) error { return put(t, inTerminals, string(v.ID), v) }

// Enrolment reads an enrolment by its ticket's nonce.
func (t *Tx) Enrolment(nonce envelope.ID) (Enrolment, error) {
	return get[Enrolment](t, inEnrolments, string(nonce))
}

// PutEnrolment writes an enrolment.
func (t *Tx) PutEnrolment(v Enrolment) error { return put(t, inEnrolments, string(v.Nonce), v) }

// Binding reads a binding by its digest.
func (t *Tx) Binding(d envelope.Digest) (Binding, error) {
	return get[Binding](t, inBindings, string(d))
}

// PutBinding writes a binding.
func (t *Tx) PutBinding(v Binding) error { return put(t, inBindings, string(v.Digest), v) }

// Client reads what is known of a client certificate by its key's digest.
func (t *Tx) Client(spki envelope.Digest) (Client, error) {
	return get[Client](t, inClients, string(spki))
}

// PutClient writes a client certificate.
func (t *Tx) PutClient(v Client) error { return put(t, inClients, string(v.SPKI), v) }

// Secrets is what an enrolment keeps beside its record: they are bytes of their
// own, so that no record that is printed or exported ever carries them.
type Secrets struct {
	Salt    []byte // 16 bytes, for the element digests
	Pairing []byte // the reader's pairing key; nil once the terminal has it
	Answer  []byte // the answer that was given, which holds both
}

// PutSecrets writes an enrolment's secrets; empty ones are removed.
func (t *Tx) PutSecrets(nonce envelope.ID, s Secrets) error {
	var errs []error
	for table, value := range map[Table][]byte{inSalts: s.Salt, inPairings: s.Pairing, inAnswers: s.Answer} {
		if len(value) == 0 {
			errs = append(errs, t.rows.Remove(table, string(nonce)))
		} else {
			errs = append(errs, t.rows.Put(table, string(nonce), value))
		}
	}
	return errors.Join(errs...)
}

// Secrets reads an enrolment's secrets; those that are not there are nil.
func (t *Tx) Secrets(nonce envelope.ID) (s Secrets, err error) {
	for table, to := range map[Table]*[]byte{inSalts: &s.Salt, inPairings: &s.Pairing, inAnswers: &s.Answer} {
		value, missing := t.rows.Get(table, string(nonce))
		if missing != nil && !errors.Is(missing, ErrAbsent) {
			err = errors.Join(err, missing)
		}
		*to = bytes.Clone(value)
	}
	return s, err
}
