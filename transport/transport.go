// Package transport carries envelopes between a terminal and its desk and
// never looks inside them: what arrives is believed only after the caller has
// checked its signatures.
//
// It promises three things. Delivering the same bytes twice is harmless, and
// other bytes under the same name are refused on either side. "Not there yet"
// (ErrNotYet) is told apart from "refused" (Status with Permanent) and from
// "the way is broken" (any other error), because only the last two need a
// person; neither is signed, and no caller may give anything up for them. And nothing is
// called delivered before the other end has it durably.
//
//	transport.go  Link, Object and what a link may answer
//	status.go     a refusal by the desk, and which would be said again
//	https.go      the link over HTTPS: the terminal pulls, the desk answers
//	request.go    one request and one answer on that link
//	routes.go     the desk's routes, whatever carries them
//	log.go        what is told and heard of the desk's log beside a receipt
//	upload.go     a sealed file as one streamed request
//	resume.go     a sealed file in pieces that survive every break
//	tls.go        TLS 1.3, private roots, pins, and the clock that is not trusted
//	hello.go      greetings that a firewall lets through
//	dial.go       reaching the desk by its addresses, or over a proxy
//	names.go      asking the resolvers of the settings
//	settings.go   what is wrong with the settings of a link
//	enrol.go      the one request a terminal makes before it is known
//	mqtt.go       the link over a broker, and its doorbell (package broker has the messages)
//	courier.go    the link over a folder on a USB medium
//	mark.go       what lies on that medium, at a glance
//	folder.go     the same medium at the desk's end
//	medium.go     writing to that medium so that it survives being pulled out
//	backoff.go    trying again, politely and for ever
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"
)

// MaxBody is the most bytes of an answer that a link accepts (1 MiB).
const MaxBody = 1 << 20

// ErrNotYet says that what was asked for is not there yet. From Put, Upload
// and Reveal it says besides that the bytes are safely at the other end or on the medium
// and only the reply is missing; asking again with the same bytes is harmless.
var ErrNotYet = errors.New("not there yet")

// ErrNoMedium says that the courier folder is not there, usually because no
// stick is plugged in.
var ErrNoMedium = errors.New("no courier medium")

// Link is a way to the desk and back.
type Link interface {
	// Name tells the links apart in logs and in evidence: "https", "mqtt", "courier".
	Name() string
	// Pull brings what the desk has for this terminal, waiting up to wait for
	// it. Without anything newer than etag the bundle is nil and so is the error.
	Pull(ctx context.Context, etag string, wait time.Duration) (bundle []byte, newEtag string, err error)
	// Put delivers one object and brings the reply, which is nil when the desk
	// keeps the object and has nothing to say about it.
	Put(ctx context.Context, object Object, body []byte) (reply []byte, err error)
	// Upload delivers a file of size bytes with the given digest
	// ("sha256:<hex>"); open is called once for each attempt.
	Upload(ctx context.Context, object Object, size int64, digest string, open func() (io.ReadCloser, error)) (reply []byte, err error)
	// Fetch brings one object, or ErrNotYet.
	Fetch(ctx context.Context, object Object) (body []byte, err error)
	// Time asks for a signed time; body holds the nonce the answer must carry.
	Time(ctx context.Context, body []byte) (reply []byte, err error)
	// Reveal hands over the tombstone's preimage and brings the reply, as Put does. It
	// needs no client certificate, because by then the key to one is gone.
	Reveal(ctx context.Context, caseID string, body []byte) (reply []byte, err error)
	// Close gives back what the link holds; calls on the way are not ended by it.
	Close() error
}

// Object names one object of a case. Kind is one of manifest, backup,
// certificate, answer, acceptance, ticket, receipt; N counts from 1.
type Object struct {
	Case string
	Kind string
	N    int64
}

var (
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9._:/@+-]{1,64}$`)
	kindPattern = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
)

// check refuses names that could mean another place in a path or in a URL.
func (o Object) check() error {
	if err := checkID("case", o.Case); err != nil {
		return err
	}
	if len(o.Kind) > 32 || !kindPattern.MatchString(o.Kind) {
		return fmt.Errorf("cannot name an object of kind %q: want lower-case words", o.Kind)
	}
	if o.N < 1 {
		return fmt.Errorf("cannot name %s %d: objects are counted from 1", o.Kind, o.N)
	}
	return nil
}

func checkID(what, id string) error {
	if !idPattern.MatchString(id) || id == "." || id == ".." {
		return fmt.Errorf("cannot use %q as the id of a %s: want 1 to 64 of A-Z a-z 0-9 . _ : / @ + -", id, what)
	}
	return nil
}

// file is the object's name in a folder, without its ending.
func (o Object) file() string { return o.Kind + "-" + strconv.FormatInt(o.N, 10) }
