package desk

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// partLife is how long a file that stopped coming is kept. A terminal that comes
// back later begins anew; it loses nothing but the way.
const partLife = 14 * 24 * time.Hour

// Progress is how much of a file is here durably, and until when it stays so
// without a further piece; zero when it is here for good.
type Progress struct {
	Offset, Size int64
	Expires      time.Time
}

// pieces lets one request at a time go on with an upload. It only spares two
// senders each other's work: what holds the file together is the commit.
type pieces struct {
	mu   sync.Mutex
	busy map[store.Key]bool
}

func (p *pieces) take(k store.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[k] {
		return false
	}
	if p.busy == nil {
		p.busy = map[store.Key]bool{}
	}
	p.busy[k] = true
	return true
}

func (p *pieces) give(k store.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, k)
}

// BeginPieces opens the upload of the n-th manifest's file, or finds the one
// that is open. Digest and size are the manifest's, or it is refused.
func (d *Desk) BeginPieces(who Caller, id envelope.ID, n int64, digest envelope.Digest, size int64) (Progress, error) {
	want, err := d.awaited(who, id, n)
	k := store.Key{Case: id, Kind: grounds.KindBackup, N: n}
	switch differs := digest != want.Digest || size != want.Size; {
	case err != nil:
		return Progress{}, err
	case differs && want.receipt != nil:
		return Progress{}, other(k, want.Digest)
	case differs:
		return Progress{}, refuse(ErrUnfit, "E24", "digest", "cannot take the file: the manifest announces another one")
	case want.receipt != nil:
		return Progress{Offset: size, Size: size}, nil
	}
	if err := d.dropExpired(); err != nil {
		return Progress{}, err
	}
	had, err := d.begun(k, digest)
	if err != nil {
		return Progress{}, err
	}
	room, err := d.roomFor(size - had)
	if err != nil {
		return Progress{}, err
	}
	room.giveBack() // each piece claims its own
	var p store.Part
	err = d.commit("upload", func(tx *store.Tx) error {
		var err error
		if p, err = tx.Part(k); store.Spoilt(err) || (err == nil && p.Digest != digest) {
			if err = errors.Join(unfiled(tx, k), d.filed(tx, k, size)); err == nil {
				p, err = newPart(k, digest, size)
			}
		}
		p.Touched = d.now()
		return errors.Join(err, tx.PutPart(p))
	})
	return d.progress(p), err
}

// begun is how many bytes of a file are here already, and have their room.
func (d *Desk) begun(k store.Key, digest envelope.Digest) (have int64, err error) {
	err = d.Store.Look(func(tx *store.Tx) error {
		p, err := tx.Part(k)
		switch {
		case store.Spoilt(err): // none, or one that is begun anew
			return nil
		case err == nil && p.Digest == digest:
			have = p.Offset
		}
		return err
	})
	return have, err
}

func (d *Desk) progress(p store.Part) Progress {
	return Progress{Offset: p.Offset, Size: p.Size, Expires: time.Unix(p.Touched, 0).Add(partLife)}
}

// Progress tells how much of a file is here.
func (d *Desk) Progress(who Caller, id envelope.ID, n int64) (Progress, error) {
	want, err := d.awaited(who, id, n)
	if err != nil {
		return Progress{}, err
	}
	if want.receipt != nil {
		return Progress{Offset: want.Size, Size: want.Size}, nil
	}
	p, err := d.part(store.Key{Case: id, Kind: grounds.KindBackup, N: n}, want)
	return d.progress(p), err
}

// part reads an upload that is open. One that stood still for too long is told
// apart from one that never was.
func (d *Desk) part(k store.Key, want awaited) (store.Part, error) {
	var p store.Part
	err := d.Store.Look(func(tx *store.Tx) (err error) {
		p, err = tx.Part(k)
		return err
	})
	if err == nil && p.Digest != want.Digest {
		err = store.ErrAbsent // of a manifest that was superseded under the same number; it cannot be, and is no file to go on with
	}
	if err == nil && d.expired(p) {
		return p, refuse(ErrGone, "E28", "expired", "cannot go on with the file: it stood still for too long, begin again")
	}
	return p, absent(err, "upload", "the upload")
}

// expired is of a file that stood still for too long, by either side: what was touched so
// far ahead was touched under a clock that has been set back since, and would stay for ever.
func (d *Desk) expired(p store.Part) bool {
	return d.Now().Sub(time.Unix(p.Touched, 0)).Abs() > partLife
}

// Piece takes the next bytes of a file at offset, and with the last of them opens
// and compares it, as Backup does. The offset it returns is durable: the bytes
// are synced, then the record is committed, then it is said.
func (d *Desk) Piece(who Caller, id envelope.ID, n, offset int64, chunk []byte) (Progress, error) {
	return d.goOn(who, id, n, offset, int64(len(chunk)), chunk, d.finish)
}

// SomeOf takes the beginning of a piece, announced as so long, whose rest does not come.
// It is Piece, but opens nothing, also where that was the end of the file.
func (d *Desk) SomeOf(who Caller, id envelope.ID, n, offset, long int64, chunk []byte) (Progress, error) {
	return d.goOn(who, id, n, offset, long, chunk, func(awaited, store.Part) error { return nil })
}

func (d *Desk) goOn(who Caller, id envelope.ID, n, offset, long int64, chunk []byte, finish func(awaited, store.Part) error) (Progress, error) {
	want, err := d.awaited(who, id, n)
	if err != nil {
		return Progress{}, err
	}
	k := store.Key{Case: id, Kind: grounds.KindBackup, N: n}
	if want.receipt != nil {
		if offset == want.Size && len(chunk) == 0 {
			return Progress{Offset: want.Size, Size: want.Size}, nil
		}
		return Progress{Offset: want.Size, Size: want.Size}, wrongOffset(offset, want.Size)
	}
	if !d.pieces.take(k) {
		return Progress{}, refuse(ErrBusy, "E28", "busy", "cannot go on with the file: another request is at it")
	}
	defer d.pieces.give(k)
	p, err := d.part(k, want)
	if err != nil {
		return Progress{}, err
	}
	if offset != p.Offset {
		return d.progress(p), wrongOffset(offset, p.Offset)
	}
	if offset+long > p.Size {
		return d.progress(p), refuse(ErrUnfit, "E24", "size", "cannot take the piece: the file was announced shorter")
	}
	room, err := d.roomFor(int64(len(chunk)))
	if err != nil {
		return d.progress(p), err
	}
	defer room.giveBack()
	if p, err = d.extend(p, chunk); err != nil || p.Offset < p.Size {
		return d.progress(p), err
	}
	return d.progress(p), finish(want, p)
}

func wrongOffset(got, have int64) error {
	return refuse(ErrConflict, "E28", "offset", "cannot take the piece at %d: %d bytes of the file are here", got, have)
}

func (d *Desk) extend(p store.Part, chunk []byte) (store.Part, error) {
	if len(chunk) == 0 {
		return p, nil
	}
	before := p.Offset
	at, err := d.Blobs.Extend(inPieces(p.Key), placeOf(p), chunk)
	if err != nil {
		return p, err
	}
	next := p
	next.Offset, next.State, next.Tail, next.Touched = at.Offset, at.State, at.Tail, d.now()
	err = d.commit("upload", func(tx *store.Tx) error {
		now, err := tx.Part(p.Key)
		if err == nil && now.Offset != before {
			err = wrongOffset(before, now.Offset)
		}
		if err != nil {
			return err
		}
		return tx.PutPart(next)
	})
	if err != nil {
		return p, err
	}
	return next, nil
}

func newPart(k store.Key, digest envelope.Digest, size int64) (store.Part, error) {
	at, err := blob.Begun()
	return store.Part{Key: k, Digest: digest, Size: size, State: at.State}, err
}

func placeOf(p store.Part) blob.At { return blob.At{Offset: p.Offset, State: p.State, Tail: p.Tail} }

// inPieces is the name under which the keeper has a file.
func inPieces(k store.Key) string {
	return envelope.DigestOf(fmt.Appendf(nil, "%s\x00%s\x00%d", k.Case, k.Kind, k.N)).Hex()
}

// finish gives a file that is all here its receipt. What does not fit its
// manifest is dropped, for more of it would not mend it; where the desk itself
// fails, the file stays and can be finished later. It may stay as the kept blob
// already, when the desk ended between that and the receipt.
func (d *Desk) finish(want awaited, p store.Part) error {
	up, err := d.Blobs.Whole(inPieces(p.Key), placeOf(p))
	in := Arriving{Digest: p.Digest, Size: p.Size, Body: strings.NewReader("")}
	if errors.Is(err, blob.ErrAbsent) {
		kept, _, openErr := d.Blobs.Open(p.Digest)
		if errors.Is(openErr, blob.ErrAbsent) {
			gone := refuse(ErrGone, "E28", "expired", "cannot go on with the file: its bytes are gone, begin again")
			return errors.Join(gone, d.Store.Change(func(tx *store.Tx) error { return unfiled(tx, p.Key) }))
		}
		if openErr != nil {
			return fmt.Errorf("cannot open a received file: %w", openErr)
		}
		defer kept.Close()
		in.Body = kept
		up, err = d.Blobs.Receive()
	}
	if err != nil {
		return err
	}
	_, err = d.restore(want, up, up, in)
	if err != nil && !errors.Is(err, ErrUnfit) {
		return errors.Join(err, up.Leave())
	}
	dropped := d.Store.Change(func(tx *store.Tx) error { return unfiled(tx, p.Key) })
	return errors.Join(err, up.Drop(), dropped)
}

// dropExpired removes what stopped coming long ago. A row that does not decode is told and
// passed over, and keeps nobody else from beginning.
func (d *Desk) dropExpired() error {
	var old []store.Key
	err := d.Store.Look(func(tx *store.Tx) error {
		return tx.Parts(func(row string, p store.Part, unread error) error {
			switch {
			case unread != nil:
				d.passOver(fmt.Sprintf("a file that came in part was passed over: %q", row), unread)
			case d.expired(p):
				old = append(old, p.Key)
			}
			return nil
		})
	})
	for _, k := range old {
		dropped := d.Store.Change(func(tx *store.Tx) error { return unfiled(tx, k) })
		err = errors.Join(err, dropped, d.Blobs.Forget(inPieces(k)))
	}
	return err
}
