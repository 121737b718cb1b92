package dossier

import (
	"errors"
	"fmt"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/receipt"
)

const (
	proofsDir = "proofs"
	proofEnd  = ".tlog-proof"
)

// ProofOf is the name of the proof that a file of the case stands in the desk's log.
func ProofOf(name string) string {
	return proofsDir + "/" + strings.ReplaceAll(name, "/", "-") + proofEnd
}

// logged are the files of a case that have a leaf in the desk's log.
func (r *reader) logged() (names []string, err error) {
	for _, name := range []string{
		Command, Papers, Campaign, Manifest, Sealed, Ticket, Certificate, Tombstone, Validation,
	} {
		there, err := r.has(name)
		if err != nil {
			return nil, err
		}
		if there {
			names = append(names, name)
		}
	}
	for _, folder := range []string{receiptsDir, answersDir, ordersDir, supersededDir} {
		more, err := r.src.List(folder)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// log checks that everything of the case stands in the desk's log, all under one
// checkpoint, and where its receipts say.
func (r *reader) log() (string, error) {
	if r.believed == nil {
		return "", errSkipped
	}
	proofs, err := r.src.List(proofsDir)
	if err != nil {
		return "", err
	}
	if len(proofs) == 0 {
		return "", missing("a proof of the desk's log")
	}
	names, err := r.logged()
	if err != nil {
		return "", err
	}
	at := map[string]merkle.Included{}
	for _, name := range names {
		if at[name], err = r.stands(name); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if first := at[names[0]]; at[name].Checkpoint != first.Checkpoint {
			return "", fmt.Errorf("%s: its checkpoint is another than that of %s", name, names[0])
		}
	}
	if len(proofs) != len(names) {
		return "", fmt.Errorf("there are %d proofs for %d objects", len(proofs), len(names))
	}
	if err := r.indexed(at); err != nil {
		return "", err
	}
	c := at[names[0]].Checkpoint
	r.checkpoint = &c
	return fmt.Sprintf("%d object(s) stand in log %s of %d leaves, root %s", len(names), c.Origin, c.Size, c.Root), nil
}

func (r *reader) stands(name string) (merkle.Included, error) {
	there, err := r.has(ProofOf(name))
	if err == nil && !there {
		err = errors.New("there is no proof that it stands in the log")
	}
	if err != nil {
		return merkle.Included{}, err
	}
	proof, err := readExact(r.src, ProofOf(name))
	if err != nil {
		return merkle.Included{}, err
	}
	d, err := r.digestOf(name)
	if err != nil {
		return merkle.Included{}, err
	}
	return merkle.Check(proof, d, r.believed)
}

// digestOf is what the log has of a file: the envelope's digest, or that of the
// bytes where there is no envelope.
func (r *reader) digestOf(name string) (envelope.Digest, error) {
	if name == Sealed {
		if r.sealedSum == "" {
			return "", errors.New("the sealed file does not hold")
		}
		return r.sealedSum, nil
	}
	text, err := read(r.src, name)
	if err != nil {
		return "", err
	}
	if e, err := envelope.Parse(text, envelope.MaxSize); err == nil {
		return e.Digest(), nil
	}
	return envelope.DigestOf(text), nil
}

// indexed compares the index of each receipt with where its object stands.
func (r *reader) indexed(at map[string]merkle.Included) error {
	objects := map[string]string{BackupReceipt: Sealed, CertificateReceipt: Certificate, TombstoneReceipt: Tombstone}
	for of := range at {
		if n, ok := strings.CutPrefix(of, receiptsDir+"/answer-"); ok {
			objects[of] = answersDir + "/" + n
		}
	}
	for of, object := range objects {
		if _, there := at[of]; !there {
			continue
		}
		e, err := readEnvelope(r.src, of)
		if err != nil {
			return err
		}
		var said receipt.Receipt
		if err := envelope.Decode(e.Payload, &said); err != nil {
			return err
		}
		found, ok := at[object]
		if !ok {
			return fmt.Errorf("%s is for %s, which is not there", of, object)
		}
		if found.Index != said.Index {
			return fmt.Errorf("%s says leaf %d, and %s is leaf %d", of, said.Index, object, found.Index)
		}
	}
	return nil
}
