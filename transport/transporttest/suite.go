// Package transporttest holds the contract that every transport.Link must
// pass, and the two other ends it is tried against: a desk in memory behind
// TLS, and a folder that stands for a USB medium.
//
//	suite.go   the contract: Run and Peer
//	desk.go    Desk: certificates and a server, for the link over HTTPS
//	store.go   what that server answers
//	log.go     what it says of its log beside that, and the rule about it
//	parts.go   the same for a file that comes in pieces
//	broker.go  Broker: an MQTT broker with that desk behind it
//	folder.go  Folder: the far side of the courier link
package transporttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"unbindd/transport"
)

// Terminal is the id of the terminal that the suite's links belong to.
const Terminal = "pos-1"

// Peer is the far end of a link as the contract sees it.
type Peer interface {
	// Offer makes body the next thing that Pull brings.
	Offer(t *testing.T, body []byte)
	// Place makes body what Fetch of the object brings.
	Place(t *testing.T, object transport.Object, body []byte)
	// Collect takes in what was delivered and answers it.
	Collect(t *testing.T)
	// Held is what arrived as the object, or nil.
	Held(t *testing.T, object transport.Object) []byte
	// Forge has whatever is asked about an object refused in the desk's words, unsigned,
	// until it is told to stop.
	Forge(t *testing.T, object transport.Object, status int, code string) (stop func())
	// Revealed is the preimage that arrived for a case, or nil.
	Revealed(t *testing.T, caseID string) []byte
}

// Run tries the whole contract; open makes a fresh link and its far end.
func Run(t *testing.T, open func(t *testing.T) (transport.Link, Peer)) {
	for _, rule := range []struct {
		name string
		hold func(*testing.T, transport.Link, Peer)
	}{
		{"pull brings nothing when there is nothing", pullsNothing},
		{"pull brings each bundle once", pullsOnce},
		{"pull waits", pullWaits},
		{"pull ends with its context", pullEnds},
		{"put is answered, and answered the same again", putsTwice},
		{"put refuses other bytes under a name in use", putsOther},
		{"upload is answered, and answered the same again", uploadsTwice},
		{"upload refuses a file that is not as announced", uploadsDamaged},
		{"fetch tells not yet", fetches},
		{"names cannot lead elsewhere", names},
		{"ids of every allowed form are kept apart", oddIDs},
		{"reveal may be repeated", reveals},
		{"the desk's log goes beside receipts", carriesTheLog},
		{"what was refused is taken when nobody refuses any more", refusesAndTakes},
	} {
		t.Run(rule.name, func(t *testing.T) {
			link, peer := open(t)
			t.Cleanup(func() {
				if err := link.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			rule.hold(t, link, peer)
		})
	}
}

func pullsNothing(t *testing.T, link transport.Link, _ Peer) {
	bundle, etag, err := link.Pull(t.Context(), "", 0)
	if bundle != nil || etag != "" || err != nil {
		t.Fatalf("pull: %q, %q, %v; want nothing", bundle, etag, err)
	}
}

func pullsOnce(t *testing.T, link transport.Link, peer Peer) {
	etag := ""
	for _, want := range []string{`{"first":1}`, `{"second":2}`} {
		peer.Offer(t, []byte(want))
		bundle, next, err := link.Pull(t.Context(), etag, 0)
		if string(bundle) != want || err != nil {
			t.Fatalf("pull: %q, %v; want %q", bundle, err, want)
		}
		if bundle, again, err := link.Pull(t.Context(), next, 0); bundle != nil || again == "" || err != nil {
			t.Fatalf("pull again: %q, %q, %v; want nothing and an etag", bundle, again, err)
		}
		etag = next
	}
}

func pullWaits(t *testing.T, link transport.Link, peer Peer) {
	type pulled struct {
		bundle []byte
		err    error
	}
	got := make(chan pulled, 1)
	go func() {
		bundle, _, err := link.Pull(t.Context(), "", time.Minute)
		got <- pulled{bundle, err}
	}()
	peer.Offer(t, []byte(`{"late":true}`))
	if p := <-got; string(p.bundle) != `{"late":true}` || p.err != nil {
		t.Fatalf("pull: %q, %v; want what was offered while it waited", p.bundle, p.err)
	}
}

func pullEnds(t *testing.T, link transport.Link, _ Peer) {
	why := errors.New("the technician went home")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if bundle, _, err := link.Pull(ctx, "", time.Minute); bundle != nil || err == nil {
		t.Fatalf("pull: %q, %v; want an error", bundle, err)
	}
}

var certificate = transport.Object{Case: "case-1", Kind: "certificate", N: 1}

// deliver does what a caller does: deliver, let the other end work, ask again.
func deliver(t *testing.T, peer Peer, send func() ([]byte, error)) []byte {
	t.Helper()
	reply, err := send()
	if errors.Is(err, transport.ErrNotYet) {
		peer.Collect(t)
		reply, err = send()
	}
	if err != nil {
		t.Fatalf("deliver: %v", err)
	}
	return reply
}

func putsTwice(t *testing.T, link transport.Link, peer Peer) {
	body := []byte(`{"payload":"x"}`)
	put := func() ([]byte, error) { return link.Put(t.Context(), certificate, body) }
	first, second := deliver(t, peer, put), deliver(t, peer, put)
	if len(first) == 0 || !bytes.Equal(first, second) {
		t.Fatalf("replies %q and %q; want the same one twice", first, second)
	}
	if held := peer.Held(t, certificate); !bytes.Equal(held, body) {
		t.Fatalf("the other end holds %q", held)
	}
}

func putsOther(t *testing.T, link transport.Link, peer Peer) {
	body := []byte(`{"payload":"x"}`)
	deliver(t, peer, func() ([]byte, error) { return link.Put(t.Context(), certificate, body) })
	_, err := link.Put(t.Context(), certificate, []byte(`{"payload":"y"}`))
	if !transport.Permanent(err) {
		t.Fatalf("put of other bytes: %v; want a permanent refusal", err)
	}
	if held := peer.Held(t, certificate); !bytes.Equal(held, body) {
		t.Fatalf("the other end now holds %q", held)
	}
}

var backup = transport.Object{Case: "case-1", Kind: "backup", N: 1}

// file is larger than any buffer on its way.
func file() []byte { return bytes.Repeat([]byte("sealed and random "), 50_000) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func opens(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func uploadsTwice(t *testing.T, link transport.Link, peer Peer) {
	body := file()
	upload := func() ([]byte, error) {
		return link.Upload(t.Context(), backup, int64(len(body)), digest(body), opens(body))
	}
	first, second := deliver(t, peer, upload), deliver(t, peer, upload)
	if len(first) == 0 || !bytes.Equal(first, second) {
		t.Fatalf("replies %q and %q; want the same one twice", first, second)
	}
	if !bytes.Equal(peer.Held(t, backup), body) {
		t.Fatal("the other end holds other bytes")
	}
}

func uploadsDamaged(t *testing.T, link transport.Link, peer Peer) {
	body := file()
	sound := digest(body)
	flipped := bytes.Clone(body)
	flipped[len(flipped)/2] ^= 1
	files := map[string][]byte{"flipped": flipped, "cut": body[:len(body)-1], "empty": nil}
	for _, name := range []string{"flipped", "empty", "cut"} { // what was cut leaves its sound front to go on from
		sent := files[name]
		if _, err := link.Upload(t.Context(), backup, int64(len(body)), sound, opens(sent)); err == nil || errors.Is(err, transport.ErrNotYet) {
			t.Errorf("%s file: %v; want an error", name, err)
		}
		if held := peer.Held(t, backup); held != nil {
			t.Errorf("%s file: the other end holds %d bytes of it", name, len(held))
		}
	}
	gone := errors.New("the spool is gone")
	_, err := link.Upload(t.Context(), backup, 1, sound, func() (io.ReadCloser, error) { return nil, gone })
	if !errors.Is(err, gone) {
		t.Errorf("file that does not open: %v", err)
	}
	if _, err := link.Upload(t.Context(), backup, 1, "md5:00", opens(body)); err == nil {
		t.Error("a digest of another form was accepted")
	}
}

func fetches(t *testing.T, link transport.Link, peer Peer) {
	ticket := transport.Object{Case: "case-1", Kind: "ticket", N: 1}
	if body, err := link.Fetch(t.Context(), ticket); body != nil || !errors.Is(err, transport.ErrNotYet) {
		t.Fatalf("fetch: %q, %v; want ErrNotYet", body, err)
	}
	peer.Place(t, ticket, []byte(`{"sig":""}`))
	if body, err := link.Fetch(t.Context(), ticket); string(body) != `{"sig":""}` || err != nil {
		t.Fatalf("fetch: %q, %v", body, err)
	}
}

func names(t *testing.T, link transport.Link, _ Peer) {
	for _, object := range []transport.Object{
		{Case: "..", Kind: "manifest", N: 1},
		{Case: "", Kind: "manifest", N: 1},
		{Case: "a b", Kind: "manifest", N: 1},
		{Case: "a\x00", Kind: "manifest", N: 1},
		{Case: "case-1", Kind: "../in/ticket", N: 1},
		{Case: "case-1", Kind: "", N: 1},
		{Case: "case-1", Kind: "Manifest", N: 1},
		{Case: "case-1", Kind: "manifest", N: 0},
	} {
		if _, err := link.Put(t.Context(), object, []byte(`{}`)); err == nil || errors.Is(err, transport.ErrNotYet) {
			t.Errorf("put %+v: %v; want a refusal", object, err)
		}
		if _, err := link.Fetch(t.Context(), object); err == nil || errors.Is(err, transport.ErrNotYet) {
			t.Errorf("fetch %+v: %v; want a refusal", object, err)
		}
	}
	if _, err := link.Reveal(t.Context(), "..", []byte(`{}`)); err == nil {
		t.Error("reveal for case ..: want a refusal")
	}
}

func oddIDs(t *testing.T, link transport.Link, peer Peer) {
	ids := []string{"a/b", "a", "a:b", ".a", "a.", "../a", "a@b+c-d_e.f"}
	for _, id := range ids {
		object := transport.Object{Case: id, Kind: "manifest", N: 1}
		deliver(t, peer, func() ([]byte, error) { return link.Put(t.Context(), object, []byte(`{"case":"`+id+`"}`)) })
	}
	for _, id := range ids {
		object := transport.Object{Case: id, Kind: "manifest", N: 1}
		if held := peer.Held(t, object); string(held) != `{"case":"`+id+`"}` {
			t.Errorf("case %q: the other end holds %q", id, held)
		}
	}
}

func reveals(t *testing.T, link transport.Link, peer Peer) {
	body := []byte(`{"r":"AA=="}`)
	for range 2 {
		if _, err := link.Reveal(t.Context(), "case-1", body); err != nil && !errors.Is(err, transport.ErrNotYet) {
			t.Fatalf("reveal: %v", err)
		}
	}
	if held := peer.Revealed(t, "case-1"); !bytes.Equal(held, body) {
		t.Fatalf("the other end holds %q", held)
	}
}

// refusesAndTakes: nobody signs a refusal, so that a link remembers none. Each of them is
// told, as what would be said again, and the same call works when whoever said it is gone.
func refusesAndTakes(t *testing.T, link transport.Link, peer Peer) {
	body, sealed := []byte(`{"payload":"x"}`), file()
	tombstone := transport.Object{Case: "case-1", Kind: "tombstone", N: 1}
	for _, c := range []struct {
		object transport.Object
		call   func() ([]byte, error)
	}{
		{certificate, func() ([]byte, error) { return link.Put(t.Context(), certificate, body) }},
		{backup, func() ([]byte, error) {
			return link.Upload(t.Context(), backup, int64(len(sealed)), digest(sealed), opens(sealed))
		}},
		{tombstone, func() ([]byte, error) { return link.Reveal(t.Context(), "case-1", body) }},
	} {
		for status, code := range map[int]string{400: "E02:shape", 403: "E10:gone", 409: "E11:other-bytes", 422: "E28:case"} {
			stop := peer.Forge(t, c.object, status, code)
			for range 2 {
				if _, err := c.call(); !transport.Permanent(err) {
					t.Errorf("%s, refused with %d: %v", c.object.Kind, status, err)
				}
			}
			stop()
		}
		if _, err := c.call(); err != nil && !errors.Is(err, transport.ErrNotYet) {
			t.Errorf("%s, refused no more: %v", c.object.Kind, err)
		}
	}
	if !bytes.Equal(peer.Held(t, certificate), body) || !bytes.Equal(peer.Held(t, backup), sealed) || !bytes.Equal(peer.Revealed(t, "case-1"), body) {
		t.Error("the other end does not have what it was sent")
	}
}
