package merkle

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// proofHead is the first line of C2SP tlog-proof.
const proofHead = "c2sp.org/tlog-proof@v1"

// maxHashes is the most hashes of a proof: one for each bit of a size.
const maxHashes = 63

// Prove writes the proof that leaf n stands under a signed checkpoint of size.
func Prove(n, size int64, checkpoint []byte, read Hashes) ([]byte, error) {
	path, err := tlog.ProveRecord(size, n, tlog.HashReaderFunc(read))
	if err != nil {
		return nil, fmt.Errorf("cannot prove leaf %d of the log: %w", n, err)
	}
	out := make([]byte, 0, len(proofHead)+32+lineSize*len(path)+len(checkpoint))
	out = strconv.AppendInt(append(append(out, proofHead...), "\nindex "...), n, 10)
	out = append(lines(append(out, '\n'), path), '\n')
	return append(out, checkpoint...), nil
}

// ProveGrowth writes the proof that a tree of size continues one of before
// leaves: "old before", hashes, an empty line, the checkpoint of size.
func ProveGrowth(before, size int64, checkpoint []byte, read Hashes) ([]byte, error) {
	line, err := GrowthLine(before, size, read)
	if err != nil {
		return nil, err
	}
	return GrowthText(line, checkpoint), nil
}

// lineSize is a hash in base64 with its line's end.
const lineSize = 45

// lines writes hashes one a line.
func lines(out []byte, path []Hash) []byte {
	for _, h := range path {
		out = append(base64.StdEncoding.AppendEncode(out, h[:]), '\n')
	}
	return out
}

// Included is what a proof showed.
type Included struct {
	Index int64
	Checkpoint
}

// Check verifies that the object of a digest stands in the log that a trust
// bundle names, and where.
func Check(proof []byte, d envelope.Digest, t *trust.Trust) (Included, error) {
	first, rest, path, err := split(proof, proofHead+"\nindex ")
	if err != nil {
		return Included{}, err
	}
	c, err := OpenCheckpoint(rest, t)
	if err != nil {
		return Included{}, err
	}
	leaf, err := LeafHash(d)
	if err != nil {
		return Included{}, err
	}
	if first >= c.Size || tlog.CheckRecord(path, c.Size, c.Root, first, leaf) != nil {
		return Included{}, envelope.Refuse("E24", "proof", "cannot accept the proof: it does not lead from the object to the checkpoint")
	}
	return Included{Index: first, Checkpoint: c}, nil
}

// CheckGrowth verifies that a later checkpoint continues an earlier one, which
// was believed before, and returns the later one.
func CheckGrowth(proof []byte, earlier Checkpoint, t *trust.Trust) (Checkpoint, error) {
	old, rest, path, err := split(proof, "old ")
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := OpenCheckpoint(rest, t)
	if err != nil {
		return Checkpoint{}, err
	}
	ok := old == earlier.Size && old <= c.Size && c.Origin == earlier.Origin
	switch {
	case !ok:
	case old == 0: // everything continues nothing
		ok = len(path) == 0
	default:
		ok = tlog.CheckTree(path, c.Size, c.Root, old, earlier.Root) == nil
	}
	if !ok {
		return Checkpoint{}, envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: it does not continue the earlier one")
	}
	return c, nil
}

// split takes a proof apart: what stands before the hashes, the hashes, and the
// checkpoint after the empty line.
func split(proof []byte, head string) (n int64, rest []byte, path []Hash, err error) {
	if len(proof) > MaxSize {
		return 0, nil, nil, malformed("it is too large")
	}
	text, ok := strings.CutPrefix(string(proof), head)
	if !ok {
		return 0, nil, nil, malformed("its first lines are others")
	}
	line, text, ok := strings.Cut(text, "\n")
	n, perr := strconv.ParseInt(line, 10, 64)
	if !ok || perr != nil || n < 0 || strconv.FormatInt(n, 10) != line {
		return 0, nil, nil, malformed("its number is none")
	}
	for {
		if line, text, ok = strings.Cut(text, "\n"); !ok || len(path) > maxHashes {
			return 0, nil, nil, malformed("its hashes do not end")
		}
		if line == "" {
			return n, []byte(text), path, nil
		}
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != len(Hash{}) {
			return 0, nil, nil, malformed("a line of it is no hash")
		}
		path = append(path, Hash(h))
	}
}
