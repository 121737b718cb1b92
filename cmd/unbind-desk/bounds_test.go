package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// full checks that something was put off: a refusal that no terminal takes for final,
// and that says when to come again.
func full(t *testing.T, r reply, code string) {
	t.Helper()
	r.want(t, http.StatusInsufficientStorage, code)
	if r.header.Get("Retry-After") == "" {
		t.Fatalf("it is not said when to come again: %v", r.header)
	}
}

// One terminal with one open case cannot fill the desk.
func TestACaseKeepsWithinItsBounds(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	for _, d := range p.desks {
		d.Bounds.Objects, d.Bounds.Answers, d.Bounds.Strays = 3, 4, 2
	}
	m := newTerminal(p.office, "T-1")
	m.trade(3)
	u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
	var before envelope.Digest
	send := func(n int64) reply {
		u.sealed(func(m *manifest.Manifest) { m.N, m.Supersedes = n, before })
		before = u.digest
		return u.put(u.at("manifest", n), u.signed)
	}
	upload := func(n int64) reply {
		r, err := u.upload(u.at("backup", n), u.file, sha256.Sum256(u.file))
		u.check(err)
		return r
	}
	send(1).want(t, http.StatusNoContent, "")
	upload(1).want(t, http.StatusOK, "")
	for _, d := range p.desks {
		d.Bounds.Files = 2*u.manifest.Size + u.manifest.Size/2
	}
	send(2).want(t, http.StatusNoContent, "")
	upload(2).want(t, http.StatusOK, "")
	send(3).want(t, http.StatusNoContent, "")
	full(t, upload(3), "E27:case")
	full(t, send(4), "E27:case")
	full(t, send(2000000000), "E27:case")
	u.answer(u.command.Case, 4, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	full(t, u.answer(u.command.Case, 5, u.order.Digest(), command.Accepted), "E27:case")
	if n := p.blobs(); n != 2 {
		t.Fatalf("%d files are kept, want two", n)
	}

	m.answer("none:T-1", 1, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	m.answer("none:T-1", 2, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	full(t, m.answer("none:T-1", 3, m.anchor(), command.Refused), "E27:day")
	m.answer("none:T-1", 2, m.anchor(), command.Refused).want(t, http.StatusOK, "") // it is kept already
	p.clock.move(25 * 3600e9)
	m.answer("none:T-1", 3, m.anchor(), command.Refused).want(t, http.StatusOK, "")
}

// begun asks for an upload in pieces of the n-th manifest's file.
func (u *unbinding) begun(n int64, digest envelope.Digest, size int64) reply {
	u.t.Helper()
	word := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	r, err := u.ask(u.known, http.MethodPost, "/v1/uploads", http.Header{
		"Tus-Resumable": {"1.0.0"}, "Upload-Length": {strconv.FormatInt(size, 10)},
		"Upload-Metadata": {fmt.Sprintf("case %s,kind %s,n %s,digest %s", word(string(u.command.Case)), word("backup"), word(strconv.FormatInt(n, 10)), word(string(digest)))},
	}, nil, 0)
	u.check(err)
	return r
}

// rest sends a whole file as one piece.
func (u *unbinding) rest(n int64, file []byte) reply {
	u.t.Helper()
	r, err := u.piece(fmt.Sprintf("/v1/uploads/%s/%d", u.command.Case, n), 0, file, bytes.NewReader(file))
	u.check(err)
	return r
}

// A file in pieces has its room from when it is begun, and gives it back where nothing of
// it is kept.
func TestAFileInPiecesCountsForItsCase(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	m := newTerminal(p.office, "T-1")
	m.trade(3)
	u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	size, sum := u.manifest.Size, u.manifest.Digest
	u.sealed(func(m *manifest.Manifest) { m.N, m.Supersedes = 2, u.digest })
	u.put(u.at("manifest", 2), u.signed).want(t, http.StatusNoContent, "")
	for _, d := range p.desks {
		d.Bounds.Files = size + size/2
	}
	u.begun(1, sum, size).want(t, http.StatusCreated, "")
	u.begun(1, sum, size).want(t, http.StatusCreated, "")
	full(t, u.begun(2, u.manifest.Digest, u.manifest.Size), "E27:case")
	// What does not fit its manifest is dropped, and its room is there again.
	half := size / 2
	r, err := u.piece(fmt.Sprintf("/v1/uploads/%s/%d", u.command.Case, 1), 0, make([]byte, half), bytes.NewReader(make([]byte, half)))
	u.check(err)
	r.want(t, http.StatusNoContent, "")
	// On the disk too it wants room for what is still to come alone.
	for _, d := range p.desks {
		d.Left = func() (int64, error) { return d.Bounds.Free + size - half, nil }
	}
	u.begun(1, sum, size).want(t, http.StatusCreated, "")
	for _, d := range p.desks {
		d.Left = nil
	}
	r, err = u.piece(fmt.Sprintf("/v1/uploads/%s/%d", u.command.Case, 1), int(half), make([]byte, size-half), bytes.NewReader(make([]byte, size-half)))
	u.check(err)
	r.want(t, 460, "E24:digest")
	u.begun(2, u.manifest.Digest, u.manifest.Size).want(t, http.StatusCreated, "")
	u.rest(2, u.file).want(t, http.StatusNoContent, "")
	full(t, u.begun(1, sum, size), "E27:case")
}

// Two files that come at once do not both get the room that one of them has.
func TestFilesUnderWayShareTheRoom(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	p.terminals.only.Store(1)
	m := newTerminal(p.office, "T-1")
	m.trade(3)
	u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	d, size, looked := p.desks[0], int64(len(u.file)), make(chan bool, 1)
	d.Left = func() (int64, error) {
		select {
		case looked <- true:
		default:
		}
		return d.Bounds.Free + size, nil // one file's room, and none for the next
	}
	body, rest := io.Pipe()
	first := make(chan reply, 1)
	go func() {
		r, err := u.ask(u.known, http.MethodPut, u.at("backup", 1), announce(sha256.Sum256(u.file)), body, size)
		if err != nil {
			t.Error(err)
		}
		first <- r
	}()
	if _, err := rest.Write(u.file[:1]); err != nil {
		t.Fatal(err)
	}
	<-looked
	r, err := u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
	u.check(err)
	full(t, r, "E27:space")
	if _, err := rest.Write(u.file[1:]); err != nil {
		t.Fatal(err)
	}
	u.check(rest.Close())
	r = <-first
	r.want(t, http.StatusOK, "")
}

// Below its mark the desk takes nothing that grows, and goes on with everything else.
func TestAFullDeskGoesOnReading(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	m := newTerminal(p.office, "T-1")
	m.trade(3)
	u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	left := func(bytes int64) {
		for _, d := range p.desks {
			d.Left = func() (int64, error) { return bytes, nil }
		}
	}
	mark := p.desks[0].Bounds.Free
	left(mark)
	full(t, u.begun(1, u.manifest.Digest, u.manifest.Size), "E27:space")
	r, err := u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
	u.check(err)
	full(t, r, "E27:space")
	u.answer(u.command.Case, 2, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	m.answer("none:T-1", 1, m.anchor(), command.Refused).want(t, http.StatusOK, "")
	left(mark/4 - 1)
	full(t, u.answer(u.command.Case, 3, u.order.Digest(), command.Accepted), "E27:space")
	m.answer("none:T-1", 1, m.anchor(), command.Refused).want(t, http.StatusOK, "") // it is kept already
	full(t, m.answer("none:T-1", 2, m.anchor(), command.Refused), "E27:space")
	u.answer(u.command.Case, 2, u.order.Digest(), command.Accepted).want(t, http.StatusOK, "")
	u.get(u.at("manifest", 1)).want(t, http.StatusOK, "")
	r, _ = m.orders(nil)
	r.want(t, http.StatusOK, "")
	m.post("/v1/time", []byte(`{"nonce":"n-1","v":1}`)).want(t, http.StatusOK, "")
	_, said, code := verb(t, append([]string{"issue", "--dir", string(p.dir), "--out", p.file("order")}, unbind("T-1")...)...)
	if code != exitRefused || !strings.Contains(said, "E27") || !strings.Contains(said, "--least-free") {
		t.Errorf("issue ends with %d: %s", code, said)
	}
	left(mark + u.manifest.Size)
	u.deliver()
	u.ticket()
	left(mark/4 - 1)
	kept := u.get(u.at("tickets", 1)).body
	u.check(p.desks[0].Ticket(desk.Caller{Signer: true}, u.command.Case, 1, kept))
}
