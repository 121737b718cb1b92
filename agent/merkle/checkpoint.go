package merkle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// MaxSize is the most bytes of a proof or a checkpoint that are read: 63 hashes
// and room for the signatures of witnesses.
const MaxSize = 16 << 10

// Checkpoint is the log at one moment.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// CanName says whether an origin may stand in a checkpoint: a plus sign or white
// space would make two names of it.
func CanName(origin string) bool { return origin != "" && !strings.ContainsAny(origin, "+ \t\n") }

// Sign writes the checkpoint as a signed note.
func (c Checkpoint) Sign(by envelope.Signer) ([]byte, error) {
	v, err := verifier(c.Origin, by.Public())
	if err != nil {
		return nil, fmt.Errorf("cannot sign the checkpoint: %w", err)
	}
	out, err := note.Sign(&note.Note{Text: c.text()}, noteSigner{v, by})
	if err != nil {
		return nil, fmt.Errorf("cannot sign the checkpoint: %w", err)
	}
	return out, nil
}

// OpenCheckpoint reads a checkpoint that the log of a trust bundle signed.
// Signatures of others beside it are passed over.
func OpenCheckpoint(text []byte, t *trust.Trust) (Checkpoint, error) {
	key, ok := t.Keys[t.Log.Key]
	if !ok {
		return Checkpoint{}, envelope.Refuse("E24", "checkpoint", "cannot accept the checkpoint: the trust bundle names no key of a log")
	}
	for _, id := range t.Revoked() {
		if id == t.Log.Key {
			return Checkpoint{}, envelope.Refuse("E24", "checkpoint", "cannot accept the checkpoint: the log's key is revoked")
		}
	}
	return open(text, string(t.Log.Origin), key.Public())
}

func open(text []byte, origin string, key envelope.PublicKey) (Checkpoint, error) {
	v, err := verifier(origin, key)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(text) > MaxSize {
		return Checkpoint{}, malformed("it is too large")
	}
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, envelope.Refuse("E24", "checkpoint", "cannot accept the checkpoint: it is not signed by the log's key")
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != origin {
		err = envelope.Refuse("E24", "checkpoint", "cannot accept the checkpoint: it is of another log")
	}
	return c, err
}

// parseCheckpoint reads exactly what text writes; further lines, which the form
// allows, are refused here.
func parseCheckpoint(text string) (Checkpoint, error) {
	part := strings.Split(text, "\n")
	if len(part) != 4 || part[3] != "" {
		return Checkpoint{}, malformed("it has not three lines")
	}
	size, err := strconv.ParseInt(part[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, malformed("its size is no number")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(part[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, malformed("its root is no hash")
	}
	c := Checkpoint{Origin: part[0], Size: size, Root: Hash(root)}
	if c.text() != text {
		return Checkpoint{}, malformed("it is not written in the one way")
	}
	return c, nil
}

func malformed(why string) error {
	return envelope.Refuse("E02", "proof", "cannot read the checkpoint or proof: %s", why)
}

// verifier is the log's key under its origin, as a signed note knows it.
func verifier(origin string, key envelope.PublicKey) (note.Verifier, error) {
	if err := key.Check(); err != nil {
		return nil, err
	}
	if !CanName(origin) {
		return nil, errors.New("cannot name the log: its origin must have no plus sign and no white space")
	}
	text, err := note.NewEd25519VerifierKey(origin, bytes.Clone(key.Pub))
	if err != nil {
		return nil, fmt.Errorf("cannot use the log's key: %w", err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use the log's key: %w", err)
	}
	return v, nil
}

// VerifierKey is the log's key as others' tools take it.
func VerifierKey(origin string, key envelope.PublicKey) (string, error) {
	if err := key.Check(); err != nil {
		return "", err
	}
	return note.NewEd25519VerifierKey(origin, bytes.Clone(key.Pub))
}

// noteSigner signs notes with a signer of ours.
type noteSigner struct {
	note.Verifier
	by envelope.Signer
}

// Sign signs a note's text.
func (s noteSigner) Sign(msg []byte) ([]byte, error) { return s.by.Sign(msg) }
