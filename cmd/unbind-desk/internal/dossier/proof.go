package dossier

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

func (r *reader) manifest() (string, error) {
	if r.grounds == nil {
		return "", errSkipped
	}
	e, err := readEnvelope(r.src, Manifest)
	if err != nil {
		return "", err
	}
	m, err := r.grounds.Manifest(e)
	if err != nil {
		return "", err
	}
	r.accepted, r.manifestE = &m, e
	return fmt.Sprintf("number %d, %d transaction(s), head %s", m.N, m.Count, m.Head), nil
}

func (r *reader) backupReceipt() (string, error) {
	e, err := readEnvelope(r.src, BackupReceipt)
	if err != nil {
		return "", r.signedWith(err, Sealed)
	}
	if r.accepted == nil {
		return "", errors.New("there is a receipt and no manifest that holds")
	}
	got, err := r.receipted(e, grounds.WantBackup(*r.accepted, r.manifestE.Digest()))
	if err != nil {
		return "", err
	}
	r.receiptE = e
	return fmt.Sprintf("restored and recounted by the desk, leaf %d of its log", got.Index), nil
}

// signedWith turns the absence of a receipt into what is wrong, where its object is there:
// a desk keeps neither without the other.
func (r *reader) signedWith(absent error, object string) error {
	there, err := r.has(object)
	if err == nil && !there {
		return absent
	}
	return errors.Join(demanded(absent, object), err)
}

// has says whether a file is there.
func (r *reader) has(name string) (bool, error) {
	f, err := r.src.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return false, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return true, nil
}

// receipted checks a receipt under the newest version that knows its key.
func (r *reader) receipted(e *envelope.Envelope, want receipt.Want) (got receipt.Receipt, err error) {
	err = r.grounds.Under(func(t *trust.Trust) (err error) {
		got, err = receipt.Check(e, t, want)
		return err
	})
	return got, err
}

// sealed compares the file with the manifest; it needs no key.
func (r *reader) sealed() (detail string, err error) {
	f, err := r.src.Open(Sealed)
	if errors.Is(err, fs.ErrNotExist) {
		return "", missing(Sealed)
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if r.accepted == nil {
		return "", errors.New("there is a sealed file and no manifest that holds")
	}
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", Sealed, err)
	}
	if digest := "sha256:" + hex.EncodeToString(sum.Sum(nil)); size != r.accepted.Size || digest != string(r.accepted.Digest) {
		return "", envelope.Refuse("E24", "digest", "it is not the file the manifest names: %d bytes, %s", size, digest)
	}
	r.sealedSum = r.accepted.Digest
	return fmt.Sprintf("%d bytes, %s", size, r.accepted.Digest), nil
}

// permission is what may have allowed the erase, the strongest first.
func (r *reader) permissions() []envelope.Digest {
	var found []envelope.Digest
	if r.receiptE != nil {
		found = append(found, r.receiptE.Digest())
	}
	if c := r.grounds.Command.Command(); c.Relaxed() {
		found = append(found, r.grounds.Command.Digest())
	}
	for _, e := range r.amends {
		if r.grounds.AllowSealed(e) == nil {
			found = append(found, e.Digest())
		}
	}
	return found
}

func (r *reader) ticket() (string, error) {
	text, err := read(r.src, Ticket)
	if err != nil {
		return "", err
	}
	f, err := ticket.Read(text)
	if err != nil {
		return "", err
	}
	if r.accepted == nil {
		return "", errors.New("there is a ticket and no manifest that holds")
	}
	wrong := errors.New("nothing in the case allows it: no receipt, no amendment, no command signed for less")
	for _, authority := range r.permissions() {
		o, err := grounds.OrderFor(*r.accepted, authority)
		if err == nil {
			for _, t := range r.grounds.Since() { // it names no key
				if _, err = f.Check(o, t); err == nil {
					break
				}
			}
		}
		if err == nil {
			r.due = &o
			return fmt.Sprintf("for reader %s, %d slot(s), erase counter %d", o.SN, len(o.Scope), o.EraCnt), nil
		}
		wrong = err
	}
	return "", wrong
}
