// Package blobtest is what every keeper of blobs must keep, as one suite, and a
// second keeper in memory that passes it. It is for tests; no program imports it.
//
//	suite.go   the suite
//	pieces.go  a file in pieces
//	memory.go  a keeper in memory
package blobtest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// Run holds a keeper against the contract. open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) blob.Keeper) {
	for name, test := range map[string]func(*testing.T, blob.Keeper){
		"kept under its digest": kept, "no name before it is kept": unkept, "swept": swept, "in pieces": pieces,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, k blob.Keeper, text string) blob.Upload {
	t.Helper()
	u, err := k.Receive()
	must(t, err)
	_, err = io.WriteString(u, text)
	must(t, err)
	return u
}

// holds checks what is kept under the digest of a text.
func holds(t *testing.T, k blob.Keeper, text string) {
	t.Helper()
	r, size, err := k.Open(envelope.DigestOf([]byte(text)))
	must(t, err)
	got, err := io.ReadAll(r)
	must(t, err, r.Close())
	if string(got) != text || size != int64(len(text)) {
		t.Fatalf("a blob of %d bytes says %q, want %q", size, got, text)
	}
}

func lacks(t *testing.T, k blob.Keeper, d envelope.Digest) {
	t.Helper()
	if _, _, err := k.Open(d); !errors.Is(err, blob.ErrAbsent) {
		t.Fatalf("blob %s: %v, want none", d, err)
	}
}

func kept(t *testing.T, k blob.Keeper) {
	for _, text := range []string{"some bytes", "", strings.Repeat("many ", 100_000)} {
		u := receive(t, k, text)
		if u.Digest() != envelope.DigestOf([]byte(text)) || u.Size() != int64(len(text)) {
			t.Fatalf("an upload of %d bytes says %d, %s", len(text), u.Size(), u.Digest())
		}
		r, err := u.Reopen()
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, err, r.Close(), u.Keep(), u.Drop()) // dropped after it was kept, it stays
		if string(got) != text {
			t.Fatalf("an upload reads back as %d bytes, want %d", len(got), len(text))
		}
		holds(t, k, text)
	}
	again := receive(t, k, "some bytes")
	must(t, again.Keep())
	holds(t, k, "some bytes")
}

func unkept(t *testing.T, k blob.Keeper) {
	u := receive(t, k, "on its way")
	lacks(t, k, u.Digest())
	must(t, u.Drop(), u.Drop())
	for _, d := range []envelope.Digest{envelope.DigestOf([]byte("on its way")), "sha256:../../desk.db", ""} {
		lacks(t, k, d)
	}
}

// swept: what is being written stays.
func swept(t *testing.T, k blob.Keeper) {
	u := receive(t, k, "still on its ")
	must(t, receive(t, k, "kept").Keep(), k.Sweep())
	_, err := io.WriteString(u, "way")
	must(t, err, u.Keep())
	holds(t, k, "still on its way")
	holds(t, k, "kept")
}
