package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"unbindd/agent/keys"
	"unbindd/agent/local"
)

// bender stands between terminal and desk, as somebody could who holds the keys
// of both ends: it opens the connection, bends what passes, and hands it on.
type bender struct {
	*httputil.ReverseProxy
	bend     atomic.Pointer[func([]byte) []byte] // of a sealed file on its way up; nil leaves it whole
	statuses chan int                            // the desk's answers to uploads
}

// throughABender lets the terminal speak to its desk by way of a bender.
func (w *world) throughABender() *bender {
	w.t.Helper()
	desk, err := url.Parse(w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &bender{ReverseProxy: httputil.NewSingleHostReverseProxy(desk), statuses: make(chan int, 1024)}
	b.Transport = &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{w.terminalCertificate()}, InsecureSkipVerify: true, // whoever bends does not ask who is there
	}}
	b.ModifyResponse = func(r *http.Response) error {
		if uploads(r.Request) {
			b.statuses <- r.StatusCode
		}
		return nil
	}
	b.ErrorHandler = func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) }
	own, err := tls.LoadX509KeyPair(w.path("desk", "tls", "desk.pem"), w.path("desk", "tls", "desk.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert})
	if err != nil {
		w.t.Fatal(err)
	}
	s := &http.Server{Handler: b}
	go func() { _ = s.Serve(l) }() // it ends with the test
	w.t.Cleanup(func() { _ = s.Close() })
	w.setting("link:\n", "link:\n  url: https://"+l.Addr().String()+"\n")
	return b
}

func uploads(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/backup/")
}

// ServeHTTP bends the body of an upload and says that it is as long as it is.
func (b *bender) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if bend := b.bend.Load(); bend != nil && uploads(r) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		body = (*bend)(body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	b.ReverseProxy.ServeHTTP(w, r)
}

// terminalCertificate is the terminal's own, taken out of its state.
func (w *world) terminalCertificate() tls.Certificate {
	w.t.Helper()
	store, err := keys.Open(filepath.Join(w.state(), "keys"))
	if err != nil {
		w.t.Fatal(err)
	}
	key, err := store.TLSKey()
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(w.state(), "trust", "route.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var route struct {
		Certificate string `json:"certificate"`
	}
	if err := json.Unmarshal(text, &route); err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(route.Certificate))
	return tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}
}

// setting changes the settings file in one place.
func (w *world) setting(old, new string) {
	w.t.Helper()
	text, err := os.ReadFile(w.path("unbindd.yaml"))
	if err != nil {
		w.t.Fatal(err)
	}
	if bytes.Count(text, []byte(old)) != 1 {
		w.t.Fatalf("%q is not in the settings once", old)
	}
	w.keep("unbindd.yaml", bytes.Replace(text, []byte(old), []byte(new), 1))
}

// A sealed file that was bent on its way gets no receipt, however often it is
// tried; nothing is erased, and the terminal can still take it all back.
func TestABackupBentOnItsWayErasesNothing(t *testing.T) {
	for name, bend := range map[string]func([]byte) []byte{
		"one bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"truncated": func(b []byte) []byte { return b[:len(b)-1] },
		"half":      func(b []byte) []byte { return b[:len(b)/2] },
		"longer":    func(b []byte) []byte { return append(b, 0) },
		"another":   func(b []byte) []byte { return bytes.Repeat([]byte{'x'}, len(b)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 20})
			b := w.throughABender()
			b.bend.Store(&bend)
			w.startDaemon()
			w.traded(20)
			w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
			for range 2 {
				if status := <-b.statuses; status != http.StatusUnprocessableEntity {
					t.Errorf("the desk answers %d, want 422", status)
				}
			}
			s := w.until("still waiting, and why", func(s local.Status) bool { return waitsToDeliver(s) && s.Case.Problem != nil })
			if s.Case.Problem.Message == "" {
				t.Errorf("the terminal does not say why it waits: %+v", s.Case.Problem)
			}
			w.nothingErased()
			if name == "one bit" { // mended, it goes on where it stood
				b.bend.Store(nil)
				w.unbound()
				w.proves(20)
				return
			}
			w.cancels()
			w.answered(w.caseID(), "cancelled", "none")
			w.sells()
			b.bend.Store(nil)
			w.issueAnew()
			w.completes(21)
		})
	}
}

// The file that lies on the terminal's own medium may be bent, too: between the
// sealing and the upload the power may go and the medium may rot.
func TestABackupBentOnTheMediumErasesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20})
	w.startDaemon("seal-backup:recorded")
	w.traded(20)
	w.publish(w.sign(w.issue(), "ops-1", "sec-1"))
	w.daemon.sign("paused ")
	w.daemon.kill()
	sealed := filepath.Join(w.state(), "spool", "sealed-1")
	text, err := os.ReadFile(sealed)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(sealed, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.startDaemon()
	s := w.until("waiting, and why", func(s local.Status) bool { return waitsToDeliver(s) && s.Case.Problem != nil })
	if !strings.HasPrefix(s.Case.Problem.Code, "E24") && !strings.Contains(s.Case.Problem.Message, "422") {
		t.Errorf("the terminal waits over %+v", s.Case.Problem)
	}
	w.nothingErased()
	w.cancels()
	w.sells()
	w.issueAnew()
	w.completes(21)
}

// cancels signs a cancel of the newest case and publishes it.
func (w *world) cancels() {
	w.t.Helper()
	w.publish(w.sign(w.cancelFile(), "ops-1"))
	w.until("cancelled", cancelled)
	w.nothingErased()
}

// cancelFile issues an unsigned cancel of the newest case.
func (w *world) cancelFile() string {
	w.t.Helper()
	path := w.path("cancel-" + w.caseID() + ".json")
	must(w.t, "unbind-desk", "issue", "cancel", "--dir", w.path("desk"), "--case", w.caseID(), "--out", path)
	return path
}
