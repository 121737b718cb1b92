package merkle

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// GrowthLine is the proof that a tree of size continues one of before leaves as one
// line, "before hash hash ...", for a header beside a proof whose checkpoint it leads to.
func GrowthLine(before, size int64, read Hashes) (string, error) {
	path, err := tlog.ProveTree(size, before, tlog.HashReaderFunc(read))
	if err != nil {
		return "", fmt.Errorf("cannot prove that the log grew from %d to %d: %w", before, size, err)
	}
	out := strconv.AppendInt(make([]byte, 0, 20+lineSize*len(path)), before, 10)
	for _, h := range path {
		out = base64.StdEncoding.AppendEncode(append(out, ' '), h[:])
	}
	return string(out), nil
}

// GrowthText is the proof that such a line stands for, as ProveGrowth writes it.
func GrowthText(line string, checkpoint []byte) []byte {
	out := append([]byte("old "), strings.ReplaceAll(line, " ", "\n")...)
	return append(append(out, "\n\n"...), checkpoint...)
}

// CheckpointIn is the signed checkpoint that stands in a proof, unread.
func CheckpointIn(proof []byte) []byte {
	_, checkpoint, _ := bytes.Cut(proof, []byte("\n\n"))
	return checkpoint
}

// Differ says whether two checkpoints of one log cannot both be true, whatever proof
// there may be: they are of one size and have two roots.
func Differ(a, b Checkpoint) bool {
	return a.Origin == b.Origin && a.Size == b.Size && a.Root != b.Root
}

// Joined verifies that a log grew from the earlier checkpoint to exactly the later one,
// both of which were believed before.
func Joined(proof []byte, earlier, later Checkpoint, t *trust.Trust) error {
	got, err := CheckGrowth(proof, earlier, t)
	if err == nil && got != later {
		err = envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the proof leads to another one of %d leaves", got.Size)
	}
	return err
}

// Kept reads a checkpoint that was verified when it was kept: the key that signed it
// may be the log's no more.
func Kept(text []byte) (Checkpoint, error) {
	said, _, ok := strings.Cut(string(text), "\n\n")
	if !ok {
		return Checkpoint{}, malformed("it has no signature")
	}
	return parseCheckpoint(said + "\n")
}
