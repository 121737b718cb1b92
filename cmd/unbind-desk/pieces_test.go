package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// begun is an upload in pieces of a case whose manifest the desk has.
func begun(t *testing.T, o *office, id string) *unbinding {
	t.Helper()
	m := newTerminal(o, id)
	m.trade(60)
	u := m.begin(o.order(unbind(id), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	return u
}

// announced is what opens an upload, for a file of the digest.
func (u *unbinding) announced(size int64, digest string) http.Header {
	word := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return http.Header{
		"Tus-Resumable": {"1.0.0"}, "Upload-Length": {strconv.FormatInt(size, 10)},
		"Upload-Metadata": {"case " + word(string(u.command.Case)) + ",digest " + word(digest) + ",kind " + word("backup") + ",n " + word("1")},
	}
}

func (u *unbinding) open() (string, reply) {
	u.t.Helper()
	sum := sha256.Sum256(u.file)
	r, err := u.ask(u.known, http.MethodPost, "/v1/uploads", u.announced(int64(len(u.file)), fmt.Sprintf("sha256:%x", sum)), nil, 0)
	u.check(err)
	r.want(u.t, http.StatusCreated, "")
	return r.header.Get("Location"), r
}

// piece sends bytes of the file; what is sent may differ from what is announced.
func (u *unbinding) piece(at string, offset int, sent []byte, body io.Reader) (reply, error) {
	sum := sha256.Sum256(sent)
	return u.ask(u.known, http.MethodPatch, at, http.Header{
		"Tus-Resumable": {"1.0.0"}, "Upload-Offset": {strconv.Itoa(offset)}, "Content-Type": {"application/offset+octet-stream"},
		"Upload-Checksum": {"sha256 " + base64.StdEncoding.EncodeToString(sum[:])},
	}, body, int64(len(sent)))
}

func (u *unbinding) whereIs(at string) reply {
	u.t.Helper()
	r, err := u.ask(u.known, http.MethodHead, at, http.Header{"Tus-Resumable": {"1.0.0"}}, nil, 0)
	u.check(err)
	return r
}

// reached checks how much the desk says it has.
func (r reply) reached(t *testing.T, want int) {
	t.Helper()
	if got := r.header.Get("Upload-Offset"); got != strconv.Itoa(want) {
		t.Fatalf("the desk has %s bytes, want %d (answer %d %s)", got, want, r.status, r.body)
	}
}

// torn sends the beginning of a piece on a connection that breaks off then, and waits
// until the desk has it.
func (u *unbinding) torn(at string, offset int, piece []byte, came int) {
	u.t.Helper()
	url := strings.TrimPrefix(u.desk.url, "https://")
	conn, err := tls.Dial("tcp", url, u.known.Transport.(*http.Transport).TLSClientConfig)
	u.check(err)
	_, err = fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: %d\r\n"+
		"Content-Type: application/offset+octet-stream\r\nContent-Length: %d\r\n\r\n%s", at, url, offset, len(piece), piece[:came])
	u.check(err)
	u.check(conn.Close())
	for over := time.Now().Add(signWait); u.whereIs(at).header.Get("Upload-Offset") != strconv.Itoa(offset+came); {
		if time.Now().After(over) {
			u.t.Fatalf("of a piece at %d that broke off after %d bytes, the desk has %s", offset, came, u.whereIs(at).header.Get("Upload-Offset"))
		}
	}
}

// The connection is torn at every border of a piece and in the middle of every
// piece, and the desk is killed after every piece: what was told is there, what
// was not is sent again, and the end is the one receipt.
func TestAFileInPiecesSurvivesEveryCut(t *testing.T) {
	const chunk = 700
	for _, cut := range []string{"torn", "torn and killed", "killed", "killed around the commit"} {
		t.Run(cut, func(t *testing.T) {
			o := newOffice(t)
			u := begun(t, o, "T-1")
			at, r := u.open()
			r.reached(t, 0)
			if len(u.file) < 3*chunk {
				t.Fatalf("a file of %d bytes has no three pieces", len(u.file))
			}
			for offset := 0; offset < len(u.file); {
				next := u.file[offset:min(offset+chunk, len(u.file))]
				switch cut {
				case "torn", "torn and killed": // in the middle of the piece: what had come stays
					u.torn(at, offset, next, len(next)/2)
					if cut != "torn" {
						o.kill()
						o.start()
					}
					offset += len(next) / 2
					next = next[len(next)/2:]
				case "killed around the commit":
					o.killsAtUpload(u, at, offset, next)
				}
				u.whereIs(at).reached(t, offset)
				r, err := u.piece(at, offset, next, bytes.NewReader(next))
				u.check(err)
				r.want(t, http.StatusNoContent, "")
				offset += len(next)
				r.reached(t, offset)
				if cut != "torn" {
					o.kill()
					o.start()
				}
				u.whereIs(at).reached(t, offset)
			}
			receipt := u.get(u.at("receipt", 1))
			receipt.want(t, http.StatusOK, "")
			at2, r := u.open() // finished: found as such, and finished again for nothing
			r.reached(t, len(u.file))
			if at2 != at {
				t.Errorf("the same upload is at %s and at %s", at, at2)
			}
			r, err := u.piece(at, len(u.file), nil, http.NoBody)
			u.check(err)
			r.want(t, http.StatusNoContent, "")
			again, err := u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
			u.check(err)
			if !bytes.Equal(again.body, receipt.body) {
				t.Error("the file in one request has another receipt than in pieces")
			}
			if n := o.blobs(); n != 1 {
				t.Errorf("%d files lie in the blob folder, want the one", n)
			}
		})
	}
}

// killsAtUpload kills the desk while it stands before the commit of a piece:
// the bytes are on disk and were not answered for.
func (o *office) killsAtUpload(u *unbinding, at string, offset int, next []byte) {
	o.t.Helper()
	o.stop()
	o.start("--pause-at", "upload:before")
	answered := make(chan error)
	go func() {
		_, err := u.piece(at, offset, next, bytes.NewReader(next))
		answered <- err
	}()
	o.await("paused upload")
	o.kill()
	if <-answered == nil {
		o.t.Fatal("a piece was answered before it was committed")
	}
	o.start()
}

// A cut after the file got its name and before its receipt is committed costs
// nothing: the file is finished from where it lies.
func TestAFileThatIsKeptIsFinishedAfterACut(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(600)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	if len(u.file) < 4*4096 {
		t.Fatalf("a file of %d bytes has no more than three blocks", len(u.file))
	}
	at, _ := u.open()
	half := len(u.file) / 2
	r, err := u.piece(at, 0, u.file[:half], bytes.NewReader(u.file[:half]))
	u.check(err)
	r.want(t, http.StatusNoContent, "")
	o.stop()
	o.start("--pause-at", "backup:kept")
	answered := make(chan error)
	go func() {
		_, err := u.piece(at, half, u.file[half:], bytes.NewReader(u.file[half:]))
		answered <- err
	}()
	o.await("paused backup")
	o.kill()
	if <-answered == nil {
		t.Fatal("the last piece was answered before the receipt was committed")
	}
	o.start()
	u.whereIs(at).reached(t, len(u.file))
	r, err = u.piece(at, len(u.file), nil, http.NoBody)
	u.check(err)
	r.want(t, http.StatusNoContent, "")
	u.get(u.at("receipt", 1)).want(t, http.StatusOK, "")
	if n := o.blobs(); n != 1 {
		t.Errorf("%d files lie in the blob folder, want the one", n)
	}
}

func TestPiecesThatDoNotFitAreRefused(t *testing.T) {
	o := newOffice(t)
	u := begun(t, o, "T-1")
	other := newTerminal(o, "T-2")
	sum := sha256.Sum256(u.file)
	digest := fmt.Sprintf("sha256:%x", sum)
	post := func(h http.Header) reply {
		r, err := u.ask(u.known, http.MethodPost, "/v1/uploads", h, nil, 0)
		u.check(err)
		return r
	}
	without := u.announced(int64(len(u.file)), digest)
	without.Del("Tus-Resumable")
	post(without).want(t, http.StatusPreconditionFailed, "E07:tus")
	post(u.announced(int64(len(u.file))+1, digest)).want(t, http.StatusUnprocessableEntity, "E24:digest")
	post(u.announced(int64(len(u.file)), "sha256:"+string(bytes.Repeat([]byte{'0'}, 64)))).want(t, http.StatusUnprocessableEntity, "E24:digest")
	post(u.announced(int64(len(u.file)), "md5:00")).want(t, http.StatusBadRequest, "E24:digest")
	post(u.announced(3<<30, digest)).want(t, http.StatusRequestEntityTooLarge, "E01:bytes")
	r, err := other.ask(other.known, http.MethodPost, "/v1/uploads", u.announced(int64(len(u.file)), digest), nil, 0)
	u.check(err)
	r.want(t, http.StatusForbidden, "E09:case")
	r, err = u.ask(u.unknown, http.MethodPost, "/v1/uploads", u.announced(int64(len(u.file)), digest), nil, 0)
	u.check(err)
	r.want(t, http.StatusForbidden, "E10:certificate")

	if r := u.whereIs("/v1/uploads/" + string(u.command.Case) + "/1"); r.status != http.StatusNotFound {
		t.Errorf("an upload that was never opened: %d", r.status)
	}
	at, _ := u.open()
	send := func(offset int, sent, body []byte) reply {
		r, err := u.piece(at, offset, sent, bytes.NewReader(body))
		u.check(err)
		return r
	}
	first := u.file[:500]
	flipped := bytes.Clone(first)
	flipped[7] ^= 1
	send(0, first, flipped).want(t, 460, "E24:digest") // a damaged piece counts for nothing
	u.whereIs(at).reached(t, 0)
	r = send(100, first, first)
	r.want(t, http.StatusConflict, "E28:offset")
	r.reached(t, 0)
	send(0, first, first).want(t, http.StatusNoContent, "")
	r = send(0, first, first) // the same again: told where it stands
	r.want(t, http.StatusConflict, "E28:offset")
	r.reached(t, 500)
	long := append(bytes.Clone(u.file[500:]), 0)
	send(500, long, long).want(t, http.StatusUnprocessableEntity, "E24:size")

	// All pieces as announced, and the whole not what the manifest says.
	rest := bytes.Clone(u.file[500:])
	rest[3] ^= 1
	send(500, rest, rest).want(t, 460, "E24:digest")
	if r := u.whereIs(at); r.status != http.StatusNotFound {
		t.Errorf("what did not fit is still open: %d", r.status)
	}
	if n := o.blobs(); n != 0 {
		t.Errorf("%d files are left in the blob folder", n)
	}
	at, r = u.open() // from the beginning
	r.reached(t, 0)
	send(0, u.file, u.file).want(t, http.StatusNoContent, "")
	u.get(u.at("receipt", 1)).want(t, http.StatusOK, "")
}

// A file that stood still for longer than the desk keeps it is told to begin again
// (410), which is no refusal of the file; begun again it has nothing of what came.
func TestAFileThatStoodStillIsBegunAgain(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	u := begun(t, p.office, "T-1")
	at, _ := u.open()
	first := u.file[:len(u.file)/2]
	r, err := u.piece(at, 0, first, bytes.NewReader(first))
	u.check(err)
	r.reached(t, len(first))
	p.clock.move(13 * 24 * time.Hour)
	u.whereIs(at).reached(t, len(first))
	p.clock.move(2 * 24 * time.Hour)
	u.whereIs(at).want(t, http.StatusGone, "")
	rest := u.file[len(first):]
	r, err = u.piece(at, len(first), rest, bytes.NewReader(rest))
	u.check(err)
	r.want(t, http.StatusGone, "E28:expired")
	at, r = u.open()
	r.reached(t, 0)
	r, err = u.piece(at, 0, u.file, bytes.NewReader(u.file))
	u.check(err)
	r.reached(t, len(u.file))
	u.get(u.at("receipt", 1)).want(t, http.StatusOK, "")
}

// What had come of a piece is there for good, and opens nothing, also where it is the end
// of the file: that is for a request that has a place.
func TestTheBeginningOfAPieceIsKept(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	u := begun(t, p.office, "T-1")
	at, _ := u.open()
	half := len(u.file) / 2
	if _, err := p.desks[0].SomeOf(desk.Caller{Signer: true}, u.command.Case, 1, 0, int64(len(u.file))+1, u.file[:half]); envelope.CodeOf(err) != "E24:size" {
		t.Errorf("the beginning of a piece that is longer than the file: %v", err)
	}
	u.whereIs(at).reached(t, 0)
	for _, part := range [][2]int{{0, half}, {half, len(u.file)}} {
		got, err := p.desks[0].SomeOf(desk.Caller{Signer: true}, u.command.Case, 1, int64(part[0]), int64(part[1]-part[0]), u.file[part[0]:part[1]])
		if err != nil || got.Offset != int64(part[1]) {
			t.Fatalf("%d bytes are there: %v", got.Offset, err)
		}
		u.whereIs(at).reached(t, part[1])
	}
	u.get(u.at("receipts/backup", 1)).want(t, http.StatusNotFound, "E28:receipt-backup")
	r, err := u.piece(at, len(u.file), nil, http.NoBody)
	u.check(err)
	r.want(t, http.StatusNoContent, "")
	u.get(u.at("receipt", 1)).want(t, http.StatusOK, "")
}
