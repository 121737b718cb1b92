package blobtest

import (
	"errors"
	"io"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// pieces: what was written behind the offset and never answered for is written
// over; whole, the file is an upload like any other; kept or forgotten, it is no
// file in pieces any more and never an empty one.
func pieces(t *testing.T, k blob.Keeper) {
	if _, err := k.Extend("../a", blob.At{}, nil); err == nil {
		t.Error("a name with a path in it was taken")
	}
	want := strings.Repeat("0123456789", 2000) // four blocks and a half
	at, err := blob.Begun()
	must(t, err)
	if _, err := k.Whole("file", at); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("a file of which nothing came: %v", err)
	}
	_, err = k.Extend("file", at, []byte("never answered for"))
	must(t, err)
	for from := 0; from < len(want); from += 5000 {
		at, err = k.Extend("file", at, []byte(want[from:from+5000]))
		must(t, err)
		_, err = k.Extend("file", at, []byte("cut off"))
		must(t, err)
	}
	u, err := k.Whole("file", at)
	must(t, err)
	if u.Digest() != envelope.DigestOf([]byte(want)) || u.Size() != int64(len(want)) {
		t.Errorf("the file is %d bytes, %s", u.Size(), u.Digest())
	}
	r, err := u.Reopen()
	must(t, err)
	got, err := io.ReadAll(r)
	must(t, err, r.Close(), u.Leave())
	if string(got) != want {
		t.Errorf("the file holds %d other bytes", len(got))
	}
	u, err = k.Whole("file", at)
	must(t, err, u.Keep(), u.Leave(), u.Drop())
	holds(t, k, want)
	if _, err := k.Whole("file", at); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("a file that was kept: %v", err)
	}
	_, err = k.Extend("other", blob.At{State: begun(t).State}, []byte("bytes"))
	must(t, err, k.Forget("other"), k.Forget("other"))
	if _, err := k.Whole("other", begun(t)); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("a file that was forgotten: %v", err)
	}
}

func begun(t *testing.T) blob.At {
	t.Helper()
	at, err := blob.Begun()
	must(t, err)
	return at
}
