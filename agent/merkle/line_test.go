package merkle

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The line of a header and the checkpoint beside it are the very proof that has a file of
// its own, and as long as docs/WIRE.md says at most.
func TestALineIsTheProofOfGrowth(t *testing.T) {
	const most = 20
	m, believed := grow(t, most), believing("desk-1", key(1))
	for size := 1; size <= most; size++ {
		checkpoint := CheckpointIn(m.prove(t, 0, size))
		if !bytes.Equal(checkpoint, m.signed(t, size)) {
			t.Fatalf("the checkpoint in a proof: %q", checkpoint)
		}
		later, err := OpenCheckpoint(checkpoint, believed)
		if err != nil {
			t.Fatal(err)
		}
		for before := 1; before <= size; before++ {
			line, err := GrowthLine(int64(before), int64(size), m.read)
			if err != nil {
				t.Fatal(err)
			}
			proof := GrowthText(line, checkpoint)
			bits := 0
			for n := size - 1; n > 0; n >>= 1 {
				bits++
			}
			if hashes := strings.Count(line, " "); hashes > bits+1 {
				t.Errorf("%d to %d: %d hashes", before, size, hashes)
			}
			earlier, err := OpenCheckpoint(m.signed(t, before), believed)
			if err != nil {
				t.Fatal(err)
			}
			if err := Joined(proof, earlier, later, believed); err != nil {
				t.Errorf("%d to %d: %v", before, size, err)
			}
			if other := (Checkpoint{Origin: later.Origin, Size: later.Size, Root: Hash{1}}); Joined(proof, earlier, other, believed) == nil || !Differ(later, other) {
				t.Errorf("%d to %d: the proof leads to a checkpoint that it is not of", before, size)
			}
		}
	}
	if line, err := GrowthLine(5, 3, m.read); err == nil {
		t.Errorf("a log that shrank is proven: %s", line)
	}
}

func TestOnlyOneSizeAndTwoRootsDiffer(t *testing.T) {
	at := func(origin string, size int64, root byte) Checkpoint { return Checkpoint{origin, size, Hash{root}} }
	for i, c := range []struct {
		b    Checkpoint
		want bool
	}{
		{at("desk-1", 5, 1), false}, {at("desk-1", 5, 2), true}, {at("desk-1", 6, 2), false}, {at("desk-2", 5, 2), false},
	} {
		if got := Differ(at("desk-1", 5, 1), c.b); got != c.want {
			t.Errorf("%s: %v", fmt.Sprint(i, c.b), got)
		}
	}
}

// Both headers are as small as docs/WIRE.md says, of a log with the longest name.
func TestTheHeadersOfALargeLogAreSmall(t *testing.T) {
	blank := func(numbers []int64) ([]Hash, error) { return make([]Hash, len(numbers)), nil }
	for size, most := range map[int64]int{1 << 24: 3100, 1 << 40: 4800} {
		checkpoint, err := Checkpoint{Origin: strings.Repeat("o", 64), Size: size}.Sign(key(1))
		if err != nil {
			t.Fatal(err)
		}
		longest := 0
		for _, before := range []int64{1, 2, 3, size/2 - 1, size / 2, size/2 + 1, size - 2, size - 1, size / 3} {
			line, err1 := GrowthLine(before, size, blank)
			proof, err2 := Prove(before, size, checkpoint, blank)
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			longest = max(longest, len("Unbindd-Log-Proof: \r\nUnbindd-Log-Growth: \r\n")+base64.StdEncoding.EncodedLen(len(proof))+len(line))
		}
		if longest > most || longest < most-200 {
			t.Errorf("%d leaves: %d bytes, and the page says %d", size, longest, most)
		}
	}
}
