package desk

import (
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// readable are the kinds a client may read back, with the name they are stored
// under; "receipt" is the backup's, as the links call it.
var readable = map[string]string{
	"command": "command", "papers": "papers", "amend": "amend", "cancel": "cancel", "close": "close",
	"answer": "answer", "manifest": "manifest", "certificate": "certificate", "acceptance": "acceptance",
	"tickets": "ticket", "receipt": receiptOf(grounds.KindBackup),
	"receipts/backup": receiptOf(grounds.KindBackup), "receipts/certificate": receiptOf(grounds.KindCertificate),
	"receipts/answer": receiptOf(grounds.KindAnswer), "receipts/tombstone": receiptOf(grounds.KindTombstone),
}

// Fetch reads one object of a case back, to its terminal or the ticket signer.
// Kind "binding" is the binding that the case's command names.
func (d *Desk) Fetch(who Caller, id envelope.ID, kind string, n int64) ([]byte, error) {
	under, ok := readable[kind]
	if !ok && kind != "binding" {
		return nil, refuse(ErrAbsent, "E28", "kind", "cannot find it: there are no objects of that kind")
	}
	var body []byte
	err := d.look(func(tx *store.Tx) error {
		c, err := d.seen(tx, id, who)
		if err != nil {
			return err
		}
		if kind == "binding" {
			b, err := tx.Binding(c.Binding)
			body = b.Envelope
			return err
		}
		o, err := tx.Object(store.Key{Case: id, Kind: under, N: n})
		body = o.Body
		return absent(err, under, "the "+under)
	})
	return body, err
}

// Bundle reads one version of the trust bundle; it is no secret.
func (d *Desk) Bundle(version int64) ([]byte, error) {
	if err := d.look(func(*store.Tx) error { return nil }); err != nil {
		return nil, err
	}
	bundles := d.bundles()
	if version < 1 || version > int64(len(bundles)) {
		return nil, refuse(ErrAbsent, "E28", "trust", "cannot find the trust bundle: the newest version is %d", len(bundles))
	}
	return bundles[version-1].Encode(), nil
}
