package dossier

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

func (r *reader) certificate() (string, error) {
	e, err := readEnvelope(r.src, Certificate)
	if err != nil {
		return "", err
	}
	if r.grounds == nil {
		return "", errSkipped
	}
	s, err := certificate.Open(e, r.grounds.Binding.Device)
	if err != nil {
		return "", err
	}
	if err := r.certifies(s.Predicate); err != nil {
		return "", err
	}
	if err := r.subjects(s); err != nil {
		return "", err
	}
	r.statement, r.certE = &s, e
	p := s.Predicate
	return fmt.Sprintf("number %d, %s, reader %s, %d target(s) on the host", p.N, p.Result, p.Reader.Outcome, len(p.Media)), nil
}

// certifies compares the statement with the command it answers.
func (r *reader) certifies(p certificate.Predicate) error {
	c := r.grounds.Command.Command()
	for _, check := range []struct {
		what string
		ok   bool
	}{
		{"case", p.Case == c.Case},
		{"terminal", p.Terminal.ID == c.Terminal && p.Terminal.Epoch == c.Epoch},
		{"binding", p.Binding == c.Binding},
		{"command", p.Command.Digest == r.grounds.Command.Digest()},
		{"action, profile or reason", p.Command.Action == c.Action && p.Command.Profile == c.Profile.ID && p.Command.Reason == c.Reason},
		{"approvers", sameApprovers(p.Command.Approvers, r.grounds.Command.Approvers())},
		{"permission", slices.Contains(r.permissions(), p.Receipt.Digest)},
	} {
		if !check.ok {
			return fmt.Errorf("its %s is not the case's", check.what)
		}
	}
	return nil
}

func sameApprovers(a, b []trust.Approver) bool {
	byKey := func(x, y trust.Approver) int { return cmp.Compare(x.Key, y.Key) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), byKey), slices.SortedFunc(slices.Values(b), byKey))
}

// subjects must be the command and, beside it, nothing but the manifest and the
// sealed file.
func (r *reader) subjects(s certificate.Statement) error {
	known := []envelope.Digest{r.grounds.Command.Digest()}
	if r.accepted != nil {
		known = append(known, r.manifestE.Digest(), r.accepted.Digest)
	}
	for _, sub := range s.Subject {
		digest, _ := s.SubjectDigest(sub.Name)
		if !slices.Contains(known, digest) {
			return fmt.Errorf("its subject %q is nothing that is in the case", sub.Name)
		}
	}
	if digest, _ := s.SubjectDigest("command"); digest != known[0] {
		return errors.New("the command is not among its subjects")
	}
	return nil
}

func (r *reader) record() (string, error) {
	if r.statement == nil {
		return "", missing("a certificate that holds")
	}
	said := r.statement.Predicate.Reader
	if r.accepted != nil && !said.Covers(r.accepted.Scope) {
		return "", errors.New("the slots it calls erased are not those of its manifest")
	}
	if said.Outcome == "erased" && len(said.Slots) > 0 && r.grounds.Binding.Reader.Signs() && !said.Authenticated {
		return "", errors.New("the bound reader signs what it erases, and did not sign for this")
	}
	switch {
	case said.Authenticated && said.Record == nil:
		return "", errors.New("the certificate claims the reader's word and does not carry it")
	case said.Record == nil && said.Outcome == "erased" && len(said.Slots) > 0 && !r.grounds.Binding.Reader.Signs():
		return fmt.Sprintf("a reader that speaks %s signs none; the terminal listed and probed it", r.grounds.Binding.Reader.Protocol()), nil
	case said.Record == nil:
		return "", missing("the reader's own record")
	case !said.Authenticated:
		return "there is one, and the certificate itself does not call it authentic", nil
	case r.due == nil:
		return "", errors.New("the reader signed for a ticket, and no ticket of the case holds")
	}
	if err := r.grounds.CheckRecord(*said.Record); err != nil {
		return "", err
	}
	if err := grounds.Answers(*said.Record, *r.due, said.Outcome == "erased"); err != nil {
		return "", err
	}
	return fmt.Sprintf("reader %s signed %d slot(s), erase counter now %d", said.Record.SN, len(said.Record.Results), said.Record.EraCnt), nil
}

func (r *reader) certificateReceipt() (string, error) {
	e, err := readEnvelope(r.src, CertificateReceipt)
	if err != nil {
		return "", r.signedWith(err, Certificate)
	}
	if r.statement == nil {
		return "", errors.New("there is a receipt and no certificate that holds")
	}
	got, err := r.receipted(e, r.grounds.WantCertificate(r.statement.Predicate.N, r.certE.Digest()))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("signature and content looked at by the desk, leaf %d of its log", got.Index), nil
}

func (r *reader) tombstone() (string, error) {
	text, err := read(r.src, Tombstone)
	if err != nil {
		return "", err
	}
	if r.statement == nil {
		return "", errors.New("there is a tombstone and no certificate that holds")
	}
	var reveal struct {
		R []byte `json:"r"`
		V int    `json:"v"`
	}
	if err := envelope.Decode(text, &reveal); err != nil {
		return "", err
	}
	if len(reveal.R) != 32 || certificate.Commitment(reveal.R) != r.statement.Predicate.Tombstone {
		return "", errors.New("it is not the preimage that the certificate committed to")
	}
	c := r.grounds.Command.Command()
	err = r.receiptHolds(TombstoneReceipt, receipt.ForTombstone(c.Case, c.Terminal, r.grounds.Command.Digest(), r.statement.Predicate.Tombstone))
	if err != nil {
		return "", err
	}
	return "the preimage the certificate committed to: the step was reached, and the desk has signed for it", nil
}

// receiptHolds checks a receipt that must be there beside its object.
func (r *reader) receiptHolds(name string, want receipt.Want) error {
	e, err := readEnvelope(r.src, name)
	if err == nil {
		_, err = r.receipted(e, want)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, demanded(err, "the object that it is for"))
	}
	return nil
}

func (r *reader) answers() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	names, err := r.src.List(answersDir)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", missing("an answer")
	}
	for _, name := range names {
		e, err := readEnvelope(r.src, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		a, err := command.OpenAnswer(e, r.grounds.Binding.Device)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if c := r.grounds.Command.Command(); a.Case != c.Case || a.Terminal != c.Terminal {
			return "", fmt.Errorf("%s: it is of another case", name)
		}
		if err := r.receiptHolds(NameOf("receipt-answer", a.N, true), receipt.ForAnswer(a.Case, a.Terminal, a.Subject, a.N, e.Digest())); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d answer(s) by the device key, each with the desk's receipt", len(names)), nil
}

// keys checks that every key file holds the key it is named after: stock tools
// take the file by its name.
func (r *reader) keys() (string, error) {
	names, err := r.src.List(keysDir)
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		return "", missing("a public key")
	}
	for _, name := range names {
		text, err := read(r.src, name)
		if err != nil {
			return "", err
		}
		key, err := authority.ParsePublicPEM(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if path.Base(name) != authority.PublicFile(key.ID()) {
			return "", fmt.Errorf("%s holds key %s", name, key.ID())
		}
	}
	return fmt.Sprintf("%d public key(s) under their own names", len(names)), nil
}
