package agent

import (
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/agent/ticket"
)

// desk stands in for the back office, the signer of tickets, and the courier
// medium. What it has it has durably. It recounts before it receipts, and the
// same bytes get the same receipt.
type desk struct {
	w        *world
	down     bool
	backups  map[envelope.Digest]kept // by manifest
	order    []envelope.Digest        // of the receipts, as they were given
	tickets  map[string][]byte        // challenge and counter -> ticket
	certs    map[int64]envelope.Digest
	last     int64 // the newest certificate's number
	results  map[int64]string
	revealed bool
	carried  map[envelope.Digest][]string // on the courier medium
}

// kept is a backup that the desk restored, and the receipt for it.
type kept struct {
	texts   []string
	receipt receipt.Receipt
}

func newDesk(w *world) *desk {
	return &desk{
		w: w, backups: map[envelope.Digest]kept{}, tickets: map[string][]byte{}, certs: map[int64]envelope.Digest{},
		results: map[int64]string{}, carried: map[envelope.Digest][]string{},
	}
}

// exchange is one request and its answer. The request may be lost, the answer
// may be lost after the deed, and a request may arrive twice.
func (d *desk) exchange(do func() error) error {
	d.w.step("link")
	if d.down || d.w.loses("request") {
		return errLost
	}
	err := do()
	if d.w.loses("twice") {
		err = do()
	}
	d.w.step("link")
	if d.w.loses("reply") {
		return errLost
	}
	return err
}

func headOf(texts []string) envelope.Digest {
	return envelope.DigestOf([]byte(strings.Join(texts, "\n")))
}

// upload takes manifest and sealed file; what does not add up gets no receipt.
func (d *desk) upload(m envelope.Digest, n int64, cmd, head envelope.Digest, texts []string) (r receipt.Receipt, err error) {
	err = d.exchange(func() error {
		if headOf(texts) != head {
			return errMisfit
		}
		if have, ok := d.backups[m]; ok {
			r = have.receipt
			return nil
		}
		r = receipt.Receipt{
			Case: "C-1", Command: cmd, Index: int64(len(d.order)), Kind: "backup", N: n, Subject: m, Terminal: "T-1", V: 1,
			Totals: &receipt.Totals{Count: int64(len(texts)), Head: head}, Verified: receipt.Restored,
		}
		d.backups[m] = kept{slices.Clone(texts), r}
		d.order = append(d.order, m)
		return nil
	})
	return r, err
}

var errMisfit = envelope.Refuse("E26", "desk", "the sealed file is not what the manifest says")

// ticket is issued for what the signer has verified itself: the receipt of the
// manifest, or the word that allows its absence.
func (d *desk) ticket(m envelope.Digest, o ticket.Order) (f ticket.File, err error) {
	err = d.exchange(func() error {
		_, have := d.backups[m]
		_, carried := d.carried[m]
		if !have && !carried && d.w.bug != bugWipeFirst {
			return errMisfit
		}
		text, err := o.Message()
		if err != nil {
			return err
		}
		d.tickets[string(o.RC)+string(rune(o.EraCnt))] = text
		f = ticket.File{EraCnt: int64(o.EraCnt), RC: o.RC, SN: o.SN, Scope: []int64{}}
		for _, s := range o.Scope {
			f.Scope = append(f.Scope, int64(s))
		}
		return nil
	})
	return f, err
}

// certificate is taken once a number; other bytes under it are refused.
func (d *desk) certificate(n int64, cert envelope.Digest, result string) (r receipt.Receipt, err error) {
	err = d.exchange(func() error {
		if have, ok := d.certs[n]; ok && have != cert {
			d.w.violate("certificate %d was sent to the desk with other bytes", n)
		}
		d.certs[n], d.results[n], d.last = cert, result, max(d.last, n)
		r = receipt.Receipt{
			Case: "C-1", Command: d.w.m.c.digest(), Kind: "certificate", N: n, Subject: cert, Terminal: "T-1", V: 1, Verified: receipt.Checked,
		}
		return nil
	})
	return r, err
}

func (d *desk) reveal() error {
	return d.exchange(func() error { d.revealed = true; return nil })
}

// has says whether a transaction is in a backup that was receipted, or on the
// courier medium.
func (d *desk) has(text string) bool {
	for _, b := range d.backups {
		if slices.Contains(b.texts, text) {
			return true
		}
	}
	for _, texts := range d.carried {
		if slices.Contains(texts, text) {
			return true
		}
	}
	return false
}

// finished says whether the newest certificate is here, and is the last word.
func (d *desk) finished() bool { return d.results[d.last] == certificate.Complete }
