package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// index adds the desk's signed list of everything that is handed out, so that nothing
// can be taken out of the case afterwards. Where it cannot be signed, or nobody would
// believe it, that is told, and the case is handed out as it is: who verifies it reads
// that nothing counts its files.
func (x *exporter) index() {
	piece, err := x.signedIndex()
	if err != nil {
		x.desk.trouble("a case is exported without the index of its files", err)
		return
	}
	x.pieces = append(x.pieces, piece)
}

func (x *exporter) signedIndex() (Piece, error) {
	d := x.desk
	if d.Receipts == nil {
		return Piece{}, errors.New("cannot index the case: there is no receipt key")
	}
	list := receipt.Index{At: d.now(), Case: x.of.ID, State: envelope.ID(x.of.State), Terminal: x.of.Terminal, V: 1}
	for _, p := range x.pieces {
		list.Files = append(list.Files, receipt.File{Digest: p.digest, Name: envelope.ID(p.Name), Size: p.Size})
	}
	if x.checkpoint != nil {
		c, err := merkle.OpenCheckpoint(x.checkpoint, d.trust())
		if err != nil {
			return Piece{}, err
		}
		list.Log = &receipt.Moment{Origin: envelope.ID(c.Origin), Root: c.Root[:], Size: c.Size}
	}
	e, err := list.Seal(d.Receipts)
	if err == nil {
		_, err = receipt.OpenIndex(e, d.trust()) // a key that was revoked signs what nobody believes
	}
	if err != nil {
		return Piece{}, err
	}
	return inline(dossier.Index, e.Encode()), nil
}
