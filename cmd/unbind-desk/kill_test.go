package main

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/ticket"
)

// A power cut around every commit: what was answered before it is the same
// after it, and what was not answered can be sent again as it was.
func TestKillAroundEveryCommit(t *testing.T) {
	for _, what := range []string{"enrol", "answer", "manifest", "backup", "certificate", "ticket", "tombstone"} {
		for _, when := range []string{"before", "after"} {
			t.Run(what+" "+when, func(t *testing.T) { killedAt(t, what, when) })
		}
	}
}

// step is one object on its way to the desk; answered is nil before it was.
type step struct {
	what     string
	send     func(u *unbinding) (reply, error)
	status   int
	answered []byte
}

func killedAt(t *testing.T, what, when string) {
	o := newOffice(t)
	u := &unbinding{terminal: &terminal{t: t, desk: o, id: "T-1", readSN: "PED-T-1"}}
	u.makeKeys()
	u.admit()
	u.unknown = u.client()
	u.request = u.makeRequest(nobody)
	o.stop()
	o.start("--pause-at", what+":"+when)

	steps := journey()
	for i := range steps {
		s := &steps[i]
		if s.what == what {
			s.cut(u)
		}
		s.again(u)
		s.after(u)
		if s.what == what { // what was answered before the cut and after it still is
			for j := range steps[:i+1] {
				if what == "tombstone" && steps[j].what == "enrol" {
					continue // the desk has forgotten the pairing key by then
				}
				steps[j].again(u)
			}
		}
	}
	if got := o.state(string(u.command.Case)); got != "gone" {
		t.Fatalf("the case is %s, want gone", got)
	}
}

// cut sends the object, waits until the desk stands still around its commit,
// and kills the desk; the answer never comes.
func (s *step) cut(u *unbinding) {
	u.t.Helper()
	unanswered := make(chan error)
	go func() {
		_, err := s.send(u)
		unanswered <- err
	}()
	u.desk.await("paused " + s.what)
	u.desk.kill()
	if <-unanswered == nil {
		u.t.Fatal("the request was answered although the desk stood still")
	}
	u.desk.start()
}

// again sends the object; every answer to it must be the first one.
func (s *step) again(u *unbinding) {
	u.t.Helper()
	r, err := s.send(u)
	u.check(err)
	r.want(u.t, s.status, "")
	if s.answered != nil && !bytes.Equal(s.answered, r.body) {
		u.t.Fatalf("%s got another answer than before", s.what)
	}
	s.answered = append([]byte{}, r.body...)
}

// after does what the terminal does once the object is answered.
func (s *step) after(u *unbinding) {
	u.t.Helper()
	switch s.what {
	case "enrol":
		if u.known == nil {
			u.settle(s.answered)
			u.trade(3)
			u.order = u.desk.order(unbind("T-1"), "ops-1", "sec-1")
			u.check(envelope.Decode(u.order.Payload, &u.command))
			u.sealed(nothing)
		}
	case "backup":
		u.authority = parse(u.t, s.answered)
	}
}

func journey() []step {
	put := func(kind string, body func(u *unbinding) []byte) func(u *unbinding) (reply, error) {
		return func(u *unbinding) (reply, error) {
			b := body(u)
			return u.ask(u.known, http.MethodPut, u.at(kind, 1), nil, bytes.NewReader(b), int64(len(b)))
		}
	}
	return []step{
		{what: "enrol", status: http.StatusOK, send: func(u *unbinding) (reply, error) {
			return u.ask(u.unknown, http.MethodPost, "/v1/enrol", nil, bytes.NewReader(u.request), int64(len(u.request)))
		}},
		{what: "answer", status: http.StatusOK, send: put("answer", func(u *unbinding) []byte {
			return u.seal("answer", command.Answer{
				Case: u.command.Case, Code: "none", N: 1, Outcome: command.Accepted, Subject: u.order.Digest(), Terminal: "T-1", V: 1,
			})
		})},
		{what: "manifest", status: http.StatusNoContent, send: put("manifest", func(u *unbinding) []byte { return u.signed })},
		{what: "backup", status: http.StatusOK, send: func(u *unbinding) (reply, error) {
			return u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
		}},
		{what: "ticket", status: http.StatusNoContent, send: func(u *unbinding) (reply, error) {
			b := u.handMade()
			return u.ask(u.ticketClient(), http.MethodPut, u.at("tickets", 1), nil, bytes.NewReader(b), int64(len(b)))
		}},
		{what: "certificate", status: http.StatusOK, send: put("certificate", func(u *unbinding) []byte { return u.certificate(1, complete) })},
		{what: "tombstone", status: http.StatusOK, send: func(u *unbinding) (reply, error) {
			b := tombstone(u.r[:])
			return u.ask(u.unknown, http.MethodPut, "/v1/cases/"+string(u.command.Case)+"/tombstone", nil, bytes.NewReader(b), int64(len(b)))
		}},
	}
}

// handMade is the ticket for the case, as the signer makes it.
func (u *unbinding) handMade() []byte {
	u.t.Helper()
	f, err := u.ticketFor().Sign(u.desk.signer("reader-1"))
	u.check(err)
	text, err := envelope.Canonical(f)
	u.check(err)
	_, err = ticket.Read(text)
	u.check(err)
	return text
}

func (u *unbinding) ticketClient() *http.Client {
	u.t.Helper()
	p, err := ticketProcess(u.t.Context(), u.desk.dir, u.desk.dir.Key("reader-1"), u.desk.url)
	u.check(err)
	return p.Client
}
