package desk

import (
	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Certificate keeps the terminal's n-th certificate and returns the receipt for
// it, which was stored in the same transaction, and the certificate's leaf.
func (d *Desk) Certificate(who Caller, id envelope.ID, n int64, body []byte) (signed []byte, leaf int64, err error) {
	k := store.Key{Case: id, Kind: "certificate", N: n}
	fresh, err := receive(d, arrival[certificate.Statement]{k, who, body, certified, func(tx *store.Tx, s standing, _ *envelope.Envelope, st certificate.Statement) error {
		if err := d.certifies(tx, s, k, st); err != nil {
			return err
		}
		kept, err := d.keep(tx, k, s.came.digest, s.came.body)
		if err != nil {
			return err
		}
		if err := d.signLater(tx, s, receipt.Receipt{
			Index: kept.Leaf, Kind: grounds.KindCertificate, N: n, Subject: s.came.digest, Verified: receipt.Checked,
		}, &signed); err != nil {
			return err
		}
		leaf = kept.Leaf
		to := Acknowledged
		if st.Predicate.Result != certificate.Complete {
			to = Erased
		}
		return d.noted(tx, s.Case, to, "certificate "+st.Predicate.Result+", reader "+st.Predicate.Reader.Outcome)
	}})
	if err != nil || fresh {
		return signed, leaf, err
	}
	err = d.look(func(tx *store.Tx) error { // it was there
		o, err := tx.Object(k)
		leaf = o.Leaf
		return err
	})
	if err == nil {
		signed, err = d.stored(store.Key{Case: id, Kind: receiptOf(grounds.KindCertificate), N: n})
	}
	return signed, leaf, err
}

// certified opens a certificate and checks the signatures that it carries.
func certified(s standing, e *envelope.Envelope) (certificate.Statement, error) {
	st, err := certificate.Open(e, s.on.Binding.Device)
	if err == nil {
		err = recorded(s, st.Predicate.Reader)
	}
	return st, err
}

// certifies compares what a certificate says with what the desk knows.
func (d *Desk) certifies(tx *store.Tx, s standing, k store.Key, st certificate.Statement) error {
	p, c := st.Predicate, s.on.Command.Command()
	command, named := st.SubjectDigest("command")
	switch {
	case p.Case != s.ID || p.N != k.N:
		return misfit("case", "cannot keep the certificate: it is for another case or has another number")
	case p.Terminal.ID != s.Terminal || p.Terminal.Epoch != c.Epoch:
		return misfit("terminal", "cannot keep the certificate: it names another terminal or enrolment")
	case p.Binding != s.Case.Binding:
		return misfit("binding", "cannot keep the certificate: it names another binding")
	case p.Command.Digest != s.Command || !named || command != s.Command:
		return misfit("command", "cannot keep the certificate: it names another command")
	case p.Tombstone == "":
		return misfit("tombstone", "cannot keep the certificate: it commits to no tombstone")
	case s.State == Drafted:
		return refuse(ErrConflict, "E28", "state", "cannot keep the certificate: the case is %s", s.State)
	}
	if err := supersedes(tx, k, p.Supersedes); err != nil {
		return err
	}
	if err := authorised(tx, s, p.Receipt.Digest); err != nil {
		return err
	}
	return covers(tx, s, st)
}

// covers compares the slots of an erased reader with those of the manifest that
// the certificate is about: leaving them out would leave the reader's word out.
func covers(tx *store.Tx, s standing, st certificate.Statement) error {
	about, named := st.SubjectDigest("manifest")
	if !named {
		return nil
	}
	return tx.Kinds(s.ID, func(kind string, o store.Object) error {
		if kind != manifest.Kind || o.Digest != about {
			return nil
		}
		m, err := parse[manifest.Manifest](o.Body)
		if err == nil && !st.Predicate.Reader.Covers(m.Scope) {
			err = misfit("slots", "cannot keep the certificate: the slots it calls erased are not those of its manifest")
		}
		return err
	})
}

// authorised checks that what the certificate names as its permission exists: a
// receipt of this desk, the command itself, or an amendment that stands in for it.
func authorised(tx *store.Tx, s standing, named envelope.Digest) error {
	order := s.on.Command.Command()
	if named == s.Command && order.Relaxed() {
		return nil
	}
	found := false
	err := tx.Kinds(s.ID, func(kind string, o store.Object) error {
		if o.Digest != named {
			return nil
		}
		switch kind {
		case receiptOf(grounds.KindBackup):
			found = true
		case "amend": // one that allows something else is no permission to erase
			e, err := envelope.Parse(o.Body, envelope.MaxSize)
			if err != nil {
				return err
			}
			found = found || s.on.AllowSealed(e) == nil
		}
		return nil
	})
	if err == nil && !found {
		err = misfit("receipt", "cannot keep the certificate: what it names as its permission is not of this case")
	}
	return err
}

// recorded holds the certificate to its own claim: an erase that the reader
// authenticated comes with the reader's signature. A record that the terminal
// itself does not call authentic is kept as it is; the certificate is partial.
func recorded(s standing, r certificate.Reader) error {
	switch {
	case !r.Authenticated && r.Outcome == "erased" && len(r.Slots) > 0 && s.on.Binding.Reader.Signs():
		return refuse(ErrUnfit, "E06", "record", "cannot keep the certificate: the bound reader signs what it erases, and did not sign for this")
	case !r.Authenticated:
		return nil
	case r.Record == nil:
		return refuse(ErrUnfit, "E06", "record", "cannot keep the certificate: it claims the reader's word and does not carry it")
	}
	return s.on.CheckRecord(*r.Record)
}
