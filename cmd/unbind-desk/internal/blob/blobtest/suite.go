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
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// Run holds a keeper against the contract. open makes an empty one.
func Run(t *testing.T, open func(t *testing.T) blob.Keeper) {
	for name, test := range map[string]func(*testing.T, blob.Keeper){
		"kept under its digest": kept, "no name before it is kept": unkept, "resumed": resumed,
		"one writer a name": writers, "without a name": nameless, "swept": swept, "in pieces": pieces,
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

func receive(t *testing.T, k blob.Keeper, name, text string) blob.Upload {
	t.Helper()
	u, err := k.Receive(name)
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
		u := receive(t, k, "a-1", text)
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
	again := receive(t, k, "another", "some bytes")
	must(t, again.Keep())
	holds(t, k, "some bytes")
	u, err := k.Receive("a-1")
	must(t, err)
	if u.Size() != 0 {
		t.Fatalf("after Keep the upload still has %d bytes", u.Size())
	}
	must(t, u.Drop())
}

func unkept(t *testing.T, k blob.Keeper) {
	u := receive(t, k, "a", "on its way")
	lacks(t, k, u.Digest())
	must(t, u.Drop(), u.Drop())
	for _, d := range []envelope.Digest{envelope.DigestOf([]byte("on its way")), "sha256:../../desk.db", ""} {
		lacks(t, k, d)
	}
	u, err := k.Receive("a")
	must(t, err)
	if u.Size() != 0 {
		t.Fatalf("a dropped upload has %d bytes", u.Size())
	}
	must(t, u.Drop())
}

func resumed(t *testing.T, k blob.Keeper) {
	must(t, receive(t, k, "a", "first, ").Leave())
	must(t, receive(t, k, "b", "other").Leave())
	u := receive(t, k, "a", "second, ")
	if u.Size() != int64(len("first, second, ")) {
		t.Fatalf("a resumed upload has %d bytes", u.Size())
	}
	must(t, u.Leave(), u.Drop()) // dropped after it was left, it stays
	lacks(t, k, envelope.DigestOf([]byte("first, second, ")))
	u = receive(t, k, "a", "third")
	if u.Digest() != envelope.DigestOf([]byte("first, second, third")) {
		t.Fatal("a resumed upload has another digest than its bytes")
	}
	must(t, u.Keep())
	holds(t, k, "first, second, third")
}

func writers(t *testing.T, k blob.Keeper) {
	u := receive(t, k, "a", "mine")
	if _, err := k.Receive("a"); !errors.Is(err, blob.ErrBusy) {
		t.Fatalf("a second writer: %v", err)
	}
	other := receive(t, k, "b", "not in the way")
	must(t, other.Drop(), u.Leave())
	u, err := k.Receive("a")
	must(t, err, u.Drop())
}

func nameless(t *testing.T, k blob.Keeper) {
	one, two := receive(t, k, "", "one"), receive(t, k, "", "two")
	must(t, one.Keep(), two.Drop())
	holds(t, k, "one")
	lacks(t, k, envelope.DigestOf([]byte("two")))
	three := receive(t, k, "", "three, ")
	must(t, k.Sweep(time.Now().Add(time.Hour))) // it is being written
	_, err := io.WriteString(three, "after a sweep")
	must(t, err, three.Keep())
	holds(t, k, "three, after a sweep")
}

func swept(t *testing.T, k blob.Keeper) {
	before := time.Now().Add(-time.Hour)
	must(t, receive(t, k, "left", "left behind").Leave())
	u := receive(t, k, "slow", "still on its ")
	must(t, receive(t, k, "whole", "kept").Keep())
	must(t, k.Sweep(before)) // nothing is that old
	left, err := k.Receive("left")
	must(t, err)
	if left.Size() == 0 {
		t.Fatal("a fresh upload was swept away")
	}
	must(t, left.Leave(), k.Sweep(time.Now().Add(time.Hour)))
	left, err = k.Receive("left")
	must(t, err)
	if left.Size() != 0 {
		t.Fatal("an old upload was not swept away")
	}
	must(t, left.Drop())
	_, err = io.WriteString(u, "way")
	must(t, err, u.Keep())
	holds(t, k, "still on its way")
	holds(t, k, "kept")
}
