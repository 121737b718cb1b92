package main

import (
	"crypto/tls"
	"net/http"
	"testing"
	"time"
)

// A poll that began before its terminal was enrolled anew hears nothing of what
// is published for the new enrolment, and a TLS session from before is none.
func TestAPollDoesNotOutliveItsEnrolment(t *testing.T) {
	o := newOffice(t)
	old := newTerminal(o, "T-1")
	old.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "") // the connection is there
	ended := make(chan reply, 1)
	go func() {
		r, _ := old.ask(old.known, http.MethodGet, "/v1/terminals/T-1/command", http.Header{"Prefer": {"wait=55"}}, nil, 0)
		ended <- r
	}()
	resuming := old.client(*old.certificate())
	transport, _ := resuming.Transport.(*http.Transport)
	transport.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	old.do(resuming, http.MethodGet, "/v1/terminals/T-1/command", nil).want(t, http.StatusNoContent, "")
	transport.CloseIdleConnections()
	newTerminal(o, "T-1")
	resumed := false
	transport.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error { resumed = s.DidResume; return nil }
	old.do(resuming, http.MethodGet, "/v1/terminals/T-1/command", nil).want(t, http.StatusForbidden, "E10:certificate")
	if !resumed {
		t.Fatal("the session was not resumed")
	}
	o.order(unbind("T-1"), "ops-1", "sec-1")
	select {
	case r := <-ended:
		r.want(t, http.StatusForbidden, "E10:certificate")
	case <-time.After(signWait):
		t.Fatal("the poll is not answered")
	}
}
