package merkle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// tree is a log in memory.
type tree struct{ all []Hash }

func (m *tree) read(numbers []int64) (out []Hash, _ error) {
	for _, n := range numbers {
		out = append(out, m.all[n])
	}
	return out, nil
}

func leaf(i int) envelope.Digest { return envelope.DigestOf([]byte(strconv.Itoa(i))) }

func grow(t testing.TB, n int) *tree {
	t.Helper()
	m := &tree{}
	for i := range n {
		first, made, err := Append(int64(i), leaf(i), m.read)
		if err != nil || first != int64(len(m.all)) {
			t.Fatalf("leaf %d begins at %d of %d: %v", i, first, len(m.all), err)
		}
		m.all = append(m.all, made...)
	}
	return m
}

func key(seed byte) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)))
}

// believing is a trust bundle whose log is origin's, signed by a key.
func believing(origin string, by envelope.Signer) *trust.Trust {
	k := by.Public()
	return &trust.Trust{Bundle: trust.Bundle{
		Keys: map[envelope.KeyID]trust.Key{k.ID(): {Alg: k.Alg, Holder: "receipt-1", Pub: k.Pub, Role: trust.ReceiptKey}},
		Log:  trust.Log{Key: k.ID(), Origin: envelope.ID(origin)},
	}}
}

func (m *tree) signed(t testing.TB, size int) []byte {
	t.Helper()
	root, err := Root(int64(size), m.read)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Checkpoint{Origin: "desk-1", Size: int64(size), Root: root}.Sign(key(1))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (m *tree) prove(t testing.TB, n, size int) []byte {
	t.Helper()
	proof, err := Prove(int64(n), int64(size), m.signed(t, size), m.read)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

// sum hashes as RFC 9162 says, with nothing but SHA-256.
func sum(parts ...[]byte) []byte {
	s := sha256.Sum256(bytes.Join(parts, nil))
	return s[:]
}

// plainRoot is the root of the first n leaves, as the definition in RFC 9162 2.1.1 has it.
func plainRoot(from, to int) []byte {
	if to-from == 1 {
		raw, _ := leaf(from).Raw() // leaves are digests
		return sum([]byte{0}, raw[:])
	}
	k := 1
	for k*2 < to-from {
		k *= 2
	}
	return sum([]byte{1}, plainRoot(from, from+k), plainRoot(from+k, to))
}

// included follows RFC 9162 2.1.3.2 word for word.
func included(hash []byte, index, size uint64, path [][]byte, root []byte) bool {
	if index >= size {
		return false
	}
	fn, sn, r := index, size-1, hash
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = sum([]byte{1}, p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = sum([]byte{1}, r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(r, root)
}

// grew follows RFC 9162 2.1.4.2 word for word.
func grew(first, second uint64, path [][]byte, firstRoot, secondRoot []byte) bool {
	if first == second {
		return len(path) == 0 && bytes.Equal(firstRoot, secondRoot)
	}
	if len(path) == 0 {
		return false
	}
	if first&(first-1) == 0 {
		path = append([][]byte{firstRoot}, path...)
	}
	fn, sn := first-1, second-1
	for fn&1 == 1 {
		fn, sn = fn>>1, sn>>1
	}
	fr, sr := path[0], path[0]
	for _, c := range path[1:] {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			fr, sr = sum([]byte{1}, c, fr), sum([]byte{1}, c, sr)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			sr = sum([]byte{1}, sr, c)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(fr, firstRoot) && bytes.Equal(sr, secondRoot)
}

// hashesOf reads the hash lines of a proof, on its own.
func hashesOf(t *testing.T, proof []byte, skip int) (path [][]byte) {
	t.Helper()
	head, _, _ := strings.Cut(string(proof), "\n\n")
	for _, line := range strings.Split(strings.TrimSuffix(head, "\n"), "\n")[skip:] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, h)
	}
	return path
}

// Every proof of every tree of up to 40 leaves holds by the RFC's own steps, by
// torchwood, and by us; and for no other leaf.
func TestEveryInclusionHoldsByThreeVerifiers(t *testing.T) {
	const most = 40
	m, believed := grow(t, most), believing("desk-1", key(1))
	vkey, err := VerifierKey("desk-1", key(1).Public())
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	policy := torchwood.ThresholdPolicy(2, torchwood.OriginPolicy("desk-1"), torchwood.SingleVerifierPolicy(v))
	for size := 1; size <= most; size++ {
		root := plainRoot(0, size)
		for n := range size {
			proof := m.prove(t, n, size)
			raw, _ := leaf(n).Raw()
			if !included(sum([]byte{0}, raw[:]), uint64(n), uint64(size), hashesOf(t, proof, 2), root) {
				t.Fatalf("leaf %d of %d does not hold by the RFC", n, size)
			}
			hash, _ := LeafHash(leaf(n))
			if err := torchwood.VerifyProof(policy, hash, proof); err != nil {
				t.Fatalf("leaf %d of %d does not hold by torchwood: %v", n, size, err)
			}
			got, err := Check(proof, leaf(n), believed)
			if err != nil || got.Index != int64(n) || got.Size != int64(size) || !bytes.Equal(got.Root[:], root) {
				t.Fatalf("leaf %d of %d: %+v, %v", n, size, got, err)
			}
			if _, err := Check(proof, leaf((n+1)%most), believed); envelope.CodeOf(err) != "E24:proof" {
				t.Fatalf("the proof of leaf %d of %d holds for another: %v", n, size, err)
			}
		}
	}
}

func TestEveryGrowthHoldsByTwoVerifiers(t *testing.T) {
	const most = 24
	m, believed := grow(t, most), believing("desk-1", key(1))
	for size := 1; size <= most; size++ {
		for before := 1; before <= size; before++ {
			proof, err := ProveGrowth(int64(before), int64(size), m.signed(t, size), m.read)
			if err != nil {
				t.Fatal(err)
			}
			if !grew(uint64(before), uint64(size), hashesOf(t, proof, 1), plainRoot(0, before), plainRoot(0, size)) {
				t.Fatalf("%d to %d does not hold by the RFC", before, size)
			}
			earlier := Checkpoint{Origin: "desk-1", Size: int64(before), Root: Hash(plainRoot(0, before))}
			if got, err := CheckGrowth(proof, earlier, believed); err != nil || got.Size != int64(size) {
				t.Fatalf("%d to %d: %+v, %v", before, size, got, err)
			}
			earlier.Root[7] ^= 1
			if _, err := CheckGrowth(proof, earlier, believed); envelope.CodeOf(err) != "E24:consistency" {
				t.Fatalf("%d to %d continues a tree that was rewritten: %v", before, size, err)
			}
		}
	}
}

func TestCheckpointIsBelievedOnlyOfItsLog(t *testing.T) {
	text := grow(t, 5).signed(t, 5)
	if c, err := OpenCheckpoint(text, believing("desk-1", key(1))); err != nil || c.Size != 5 {
		t.Fatalf("%+v, %v", c, err)
	}
	revoked := believing("desk-1", key(1)).WithRevoked([]envelope.KeyID{key(1).Public().ID()})
	for name, c := range map[string]struct {
		text []byte
		by   *trust.Trust
	}{
		"another key":    {text, believing("desk-1", key(2))},
		"another origin": {text, believing("desk-2", key(1))},
		"revoked":        {text, revoked},
		"another size":   {bytes.Replace(text, []byte("\n5\n"), []byte("\n6\n"), 1), believing("desk-1", key(1))},
		"no signature":   {text[:bytes.Index(text, []byte("\n\n"))+2], believing("desk-1", key(1))},
		"a line more":    {resigned(t, "desk-1\n5\n"+Hash{}.String()+"\nmore\n"), believing("desk-1", key(1))},
		"a zero before":  {resigned(t, "desk-1\n05\n"+Hash{}.String()+"\n"), believing("desk-1", key(1))},
		"a foreign text": {resigned(t, "desk-2\n5\n"+Hash{}.String()+"\n"), believing("desk-1", key(1))},
	} {
		if _, err := OpenCheckpoint(c.text, c.by); envelope.CodeOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, origin := range []string{"", "a+b", "a b"} {
		if _, err := (Checkpoint{Origin: origin}).Sign(key(1)); err == nil {
			t.Errorf("origin %q is signed", origin)
		}
	}
}

// resigned is a text signed by the log's key under its name.
func resigned(t *testing.T, text string) []byte {
	t.Helper()
	v, err := verifier("desk-1", key(1).Public())
	if err != nil {
		t.Fatal(err)
	}
	out, err := note.Sign(&note.Note{Text: text}, noteSigner{v, key(1)})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever byte of a proof is changed, it does not hold any more.
func TestEveryByteOfAProofCounts(t *testing.T) {
	proof, believed := grow(t, 11).prove(t, 6, 11), believing("desk-1", key(1))
	for i := range proof {
		spoilt := bytes.Clone(proof)
		spoilt[i] ^= 1
		if got, err := Check(spoilt, leaf(6), believed); err == nil {
			t.Fatalf("byte %d is changed and the proof holds: %+v", i, got)
		}
		if got, err := Check(proof[:i], leaf(6), believed); err == nil {
			t.Fatalf("cut at %d the proof holds: %+v", i, got)
		}
	}
}

func FuzzProof(f *testing.F) {
	m := grow(f, 9)
	believed, later := believing("desk-1", key(1)), m.signed(f, 9)
	f.Add(m.prove(f, 3, 9))
	f.Add([]byte(proofHead + "\nindex 0\n\ndesk-1\n1\n"))
	f.Add([]byte("old 3\n\n"))
	f.Fuzz(func(t *testing.T, proof []byte) {
		if got, err := Check(proof, leaf(3), believed); err == nil && got.Index != 3 {
			t.Fatalf("a proof puts the leaf at %d", got.Index)
		}
		earlier := Checkpoint{Origin: "desk-1", Size: 3, Root: Hash(plainRoot(0, 3))}
		if got, err := CheckGrowth(proof, earlier, believed); err == nil && got.Size < 3 {
			t.Fatal(fmt.Sprint("a log shrank to ", got.Size))
		}
		text := GrowthText(string(proof), later)
		if got, err := CheckGrowth(text, earlier, believed); err == nil && got.Size != 9 {
			t.Fatal(fmt.Sprint("a line leads to ", got.Size))
		}
	})
}
