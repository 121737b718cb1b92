package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
)

// proofIn makes a log in which the certificate is leaf at, and its proof.
func proofIn(t *testing.T, certificate envelope.Digest, at int, by string) []byte {
	t.Helper()
	var all []merkle.Hash
	read := func(numbers []int64) (out []merkle.Hash, _ error) {
		for _, n := range numbers {
			out = append(out, all[n])
		}
		return out, nil
	}
	size := int64(at + 9)
	for i := range size {
		leaf := envelope.DigestOf([]byte(fmt.Sprint(i)))
		if i == int64(at) {
			leaf = certificate
		}
		_, made, err := merkle.Append(i, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, made...)
	}
	root, err := merkle.Root(size, read)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := merkle.Checkpoint{Origin: "desk.example/log", Size: size, Root: root}.Sign(signers(by)[0])
	if err != nil {
		t.Fatal(err)
	}
	proof, err := merkle.Prove(int64(at), size, signed, read)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestProofOfTheLog(t *testing.T) {
	for name, c := range map[string]struct {
		proof func(d dossier, index int) []byte
		ok    bool
	}{
		"good": {func(d dossier, i int) []byte { return proofIn(t, d.certificates[0].envelope.Digest(), i, "receipt-1") }, true},
		"another place": {func(d dossier, i int) []byte {
			return proofIn(t, d.certificates[0].envelope.Digest(), i+1, "receipt-1")
		}, false},
		"another object":        {func(d dossier, i int) []byte { return proofIn(t, d.manifest.envelope.Digest(), i, "receipt-1") }, false},
		"signed by another key": {func(d dossier, i int) []byte { return proofIn(t, d.certificates[0].envelope.Digest(), i, "ops-1") }, false},
		"without its last line": {func(d dossier, i int) []byte {
			return bytes.TrimSpace(proofIn(t, d.certificates[0].envelope.Digest(), i, "receipt-1"))
		}, false},
		"empty": {func(dossier, int) []byte { return []byte{} }, false},
	} {
		f := newFixture()
		d := f.sealed(t)
		d.proof = c.proof(d, int(f.receipt.Index))
		v := examine(d)
		if v.Valid != c.ok {
			t.Errorf("%s: %+v", name, v.Checks)
		}
		for _, look := range v.Checks {
			if look.OK == c.ok && look.Check == "log" || !look.OK && look.Check != "log" {
				continue
			}
			if look.Check == "log" {
				t.Errorf("%s: the check says %+v", name, look)
			}
		}
	}
}

// The log in which a certificate stands is held to a checkpoint that was kept earlier.
func TestGrowthOfTheLog(t *testing.T) {
	f := newFixture()
	d := f.sealed(t)
	at := int(f.receipt.Index)
	d.proof = proofIn(t, d.certificates[0].envelope.Digest(), at, "receipt-1")
	var all []merkle.Hash
	read := func(numbers []int64) (out []merkle.Hash, _ error) {
		for _, n := range numbers {
			out = append(out, all[n])
		}
		return out, nil
	}
	const before = 2
	signed := func(size int64, by string) []byte {
		root, err1 := merkle.Root(size, read)
		text, err2 := merkle.Checkpoint{Origin: "desk.example/log", Size: size, Root: root}.Sign(signers(by)[0])
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		return text
	}
	fill := func(of string, size int) {
		all = nil
		for i := range size {
			leaf := envelope.DigestOf([]byte(fmt.Sprint(of, i)))
			if i == at {
				leaf = d.certificates[0].envelope.Digest()
			}
			_, made, err := merkle.Append(int64(i), leaf, read)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, made...)
		}
	}
	size := int64(at + 9)
	fill("other", int(size))
	forked := signed(before, "receipt-1")
	fill("", int(size))
	checkpoint := merkle.CheckpointIn(d.proof)
	growth, err1 := merkle.ProveGrowth(before, size, checkpoint, read)
	shorter, err2 := merkle.ProveGrowth(before, size-1, signed(size-1, "receipt-1"), read)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		checkpoint, growth []byte
		ok                 bool
	}{
		"good":                  {signed(before, "receipt-1"), growth, true},
		"of another log":        {forked, growth, false},
		"signed by another key": {signed(before, "ops-1"), growth, false},
		"of another size":       {signed(before+1, "receipt-1"), growth, false},
		"to another checkpoint": {signed(before, "receipt-1"), shorter, false},
		"nothing":               {signed(before, "receipt-1"), []byte{}, false},
	} {
		d.checkpoint, d.growth = c.checkpoint, c.growth
		v := examine(d)
		look := v.Checks[slices.IndexFunc(v.Checks, func(look check) bool { return look.Check == "growth" })]
		if v.Valid != c.ok || look.OK != c.ok || c.ok && look.Note != "continues the log of 2 leaves" {
			t.Errorf("%s: %+v", name, v.Checks)
		}
	}
}
