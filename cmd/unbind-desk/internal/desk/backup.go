package desk

import (
	"errors"
	"fmt"
	"io"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/sealed"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Arriving is a sealed file on its way in, with what was announced of it.
type Arriving struct {
	Digest envelope.Digest
	Size   int64
	Body   io.Reader
}

// Backup takes the sealed file of the n-th manifest and returns the receipt. The
// file is received beside the store, opened, recounted and compared with the
// manifest; only then do blob and receipt become durable, and only then does the
// receipt go out. Whatever is wrong leaves nothing behind.
func (d *Desk) Backup(who Caller, id envelope.ID, n int64, in Arriving) ([]byte, error) {
	want, err := d.awaited(who, id, n)
	switch differs := in.Digest != want.Digest || in.Size != want.Size; {
	case err != nil:
		return nil, err
	case differs && want.receipt != nil:
		return nil, other(store.Key{Case: id, Kind: grounds.KindBackup, N: n}, want.Digest)
	case differs:
		return nil, refuse(ErrUnfit, "E24", "digest", "cannot take the file: the manifest announces another one")
	case want.receipt != nil:
		return want.receipt, nil
	}
	room, err := d.roomFor(in.Size)
	if err != nil {
		return nil, err
	}
	defer room.giveBack()
	// Two uploads of one file may be on their way at once, so none has a name;
	// whichever is whole first is the one that counts.
	up, err := d.Blobs.Receive()
	if err != nil {
		return nil, err
	}
	out, err := d.restore(want, up, room.against(up), in)
	return out, errors.Join(err, up.Drop())
}

// awaited is a manifest whose file is due, or the receipt that was given for it.
type awaited struct {
	manifest.Manifest
	digest  envelope.Digest // of the manifest
	start   sealed.Start
	receipt []byte
}

func (d *Desk) awaited(who Caller, id envelope.ID, n int64) (awaited, error) {
	var a awaited
	err := d.look(func(tx *store.Tx) error {
		s, err := d.standing(tx, id, who)
		if err != nil {
			return err
		}
		e, err := d.object(tx, store.Key{Case: id, Kind: manifest.Kind, N: n})
		if err != nil {
			return err
		}
		if a.Manifest, err = s.on.Manifest(e); err != nil {
			return judged(err)
		}
		a.digest = e.Digest()
		r, err := tx.Object(store.Key{Case: id, Kind: receiptOf(grounds.KindBackup), N: n})
		if err == nil {
			a.receipt = r.Body
			return nil
		}
		if !errors.Is(err, store.ErrAbsent) {
			return err
		}
		if !open(s.State) {
			return refuse(ErrConflict, "E28", "state", "cannot take the file: the case is %s", s.State)
		}
		if err := d.unfull(tx, store.Key{Case: id, Kind: grounds.KindBackup, N: n}, a.Size); err != nil {
			return err
		}
		a.start, err = d.start(tx, s, a.Manifest)
		return err
	})
	return a, err
}

// start says where the chain of a terminal's ledger must begin: at its binding,
// or, for a successor, at the head of the backup it took over.
func (d *Desk) start(tx *store.Tx, s standing, m manifest.Manifest) (sealed.Start, error) {
	binding, err := s.Case.Binding.Raw()
	if err != nil {
		return sealed.Start{}, err
	}
	start := sealed.Start{Binding: binding, First: uint64(max(m.First, 1))}
	device := s.on.Binding.Device.ID()
	return start, tx.Succeeds(device, func(id envelope.ID) error {
		return tx.Objects(id, "acceptance", func(o store.Object) error {
			a, err := parse[acceptance](o.Body)
			if err != nil {
				return err
			}
			head, err := a.Head.Raw()
			start.Prev = &head
			return err
		})
	})
}

// restore receives through to, opens, recounts, compares, and makes it durable.
func (d *Desk) restore(want awaited, up blob.Upload, to io.Writer, in Arriving) ([]byte, error) {
	if err := fetch(to, in); err != nil {
		return nil, err
	}
	if up.Size() != want.Size || up.Digest() != want.Digest {
		return nil, refuse(ErrUnfit, "E24", "digest", "cannot take the file: it is not the one that was announced")
	}
	totals, err := d.recount(want, up)
	if err != nil {
		return nil, err
	}
	d.pause("backup", "before")
	if err := up.Keep(); err != nil {
		return nil, err
	}
	d.pause("backup", "kept")
	if err := d.change(func(tx *store.Tx) error { return d.accept(tx, want, totals) }); err != nil {
		return nil, err
	}
	d.pause("backup", "after")
	return d.stored(store.Key{Case: want.Case, Kind: receiptOf(grounds.KindBackup), N: want.N})
}

// fetch copies what arrives; trouble with the client is told from trouble here.
func fetch(to io.Writer, in Arriving) error {
	from := &remember{Reader: io.LimitReader(in.Body, in.Size+1)}
	_, err := io.Copy(to, from)
	if from.err != nil && !errors.Is(from.err, io.EOF) {
		return Broken(from.err)
	}
	if err != nil {
		return fmt.Errorf("cannot receive a file: %w", err)
	}
	return nil
}

// remember keeps the reader's own error apart from the writer's.
type remember struct {
	io.Reader
	err error
}

func (r *remember) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.err = err
	return n, err
}

// recount opens and counts the file. That it could not be read says nothing of it.
func (d *Desk) recount(want awaited, up blob.Upload) (totals receipt.Totals, err error) {
	f, err := up.Reopen()
	if err != nil {
		return totals, fmt.Errorf("cannot open a received file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	from := &remember{Reader: f}
	r, err := sealed.Open(from, d.Openers, want.start, func([]byte) error { return nil })
	if from.err != nil && !errors.Is(from.err, io.EOF) {
		return totals, fmt.Errorf("cannot read a received file: %w", from.err) // the desk's trouble, not the file's
	}
	if err == nil {
		err = r.Compare(want.Manifest)
	}
	if err != nil {
		return totals, as(ErrUnfit, err)
	}
	return r.Totals(), nil
}

// accept writes the backup and its receipt; when another upload of the same
// file was quicker, its receipt stands.
func (d *Desk) accept(tx *store.Tx, want awaited, totals receipt.Totals) error {
	k := store.Key{Case: want.Case, Kind: grounds.KindBackup, N: want.N}
	if _, err := tx.Object(k); !errors.Is(err, store.ErrAbsent) {
		return err
	}
	s, err := d.standing(tx, want.Case, Caller{Signer: true})
	if err == nil && s.State == Gone { // since the upload began
		err = buried("keep the backup")
	}
	if err != nil {
		return err
	}
	if _, begun := tx.Part(k); errors.Is(begun, store.ErrAbsent) { // what came in pieces is counted
		if err := d.filed(tx, k, want.Size); err != nil {
			return err
		}
	}
	kept, err := d.keep(tx, k, want.Digest, nil)
	if err != nil {
		return err
	}
	_, err = d.sign(tx, s, receipt.Receipt{
		Index: kept.Leaf, Kind: grounds.KindBackup, N: want.N, Subject: want.digest, Totals: &totals, Verified: receipt.Restored,
	})
	if err != nil {
		return err
	}
	return errors.Join(d.queue(tx, s.Case, want.N), d.noted(tx, s.Case, BackedUp, "backup restored and receipted"))
}
