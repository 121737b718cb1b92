package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
)

// loadKey takes a block of what these readers carry a key in, docs/WIRE-MPOS.md section 5:
//
//	under ‖ LL(cryptogram) ‖ LL(kcv)
//
// under is the index of the TMK that a working key comes under; for a TMK, which comes under the TLK, it is the
// algorithm. A key that the protocol carries in clear only, TLK and DUKPT, is none for this driver: it would pass over
// a line that everybody can read.
func (c *mpos) loadKey(ctx context.Context, slot uint16, block []byte) ([]byte, error) {
	k, index, known := mposPlace(slot)
	if !known {
		return nil, mposRefusal(mposNoPlace)
	}
	b := &mposBody{rest: block}
	under, cryptogram, kcv := b.fixed(1)[0], b.ll(), b.ll()
	if b.err != nil || len(b.rest) > 0 {
		return nil, ErrRefused{Code: CodeMalformed}
	}
	var answer *mposBody
	var err error
	switch k.name {
	case "TDK", "TPK", "TAK":
		answer, err = c.order(ctx, mposWorkKey, loadWorkingQuery(k, under, index, cryptogram, kcv))
	case "TMK":
		answer, err = c.order(ctx, mposLoadMaster, loadMasterQuery(under, index, cryptogram, kcv))
	default:
		return nil, ErrRefused{Text: "this key travels in clear only"}
	}
	if err == nil {
		err = answer.result()
	}
	if errors.Is(err, ErrNoKey) { // the key above it, and no good news here
		return nil, ErrRefused{Code: CodeNoParent}
	}
	if err != nil {
		return nil, err
	}
	return c.loaded(ctx, k, index)
}

// loaded asks what is in the slot now: the answer to loading a TMK tells no check value.
func (c *mpos) loaded(ctx context.Context, k mposKind, index byte) ([]byte, error) {
	s, err := c.slot(ctx, k, index)
	if err != nil {
		return nil, err
	}
	kcv, err := hex.DecodeString(s.KCV)
	if s.State != SlotLoaded || err != nil {
		return nil, errDamaged
	}
	return kcv, nil
}

func loadWorkingQuery(k mposKind, master, index byte, cryptogram, kcv []byte) []byte {
	b := appendLL([]byte{k.number, master, index}, cryptogram)
	return append(appendLL(b, kcv), mposModeLoad)
}

func loadMasterQuery(alg, index byte, cryptogram, kcv []byte) []byte {
	b := append(appendLL([]byte{alg, index}, cryptogram), mposUnderTLK)
	return appendLL(b, kcv)
}

// MposKeyBlock is a block for LoadKey of a reader that speaks mpos: a working key encrypted under TMK number under, or
// a TMK of algorithm under (1 DES, 2 3DES, 3 AES-128, 4 SM4) encrypted under the TLK, each with the first four bytes of
// its check value. All zero there: the reader is not to check.
func MposKeyBlock(under byte, cryptogram []byte, kcv [4]byte) []byte {
	return appendLL(appendLL([]byte{under}, bytes.Clone(cryptogram)), kcv[:])
}
