package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Desk is the desk's end: it hands every question to the same handler as HTTPS
// does, with the certificate of who signed it, and publishes the signed answer.
// It keeps nothing that a second one would miss.
type Desk struct {
	Route   Route
	Speaker Speaker        // the key that the desk shows on HTTPS, which terminals pin
	Clients *x509.CertPool // whose certificates are believed
	Handler http.Handler
	Message int // most bytes of one message
	Now     func() time.Time
	// Told hears of questions that are dropped, and why, at most once a second; it may be nil.
	Told func(topic string, err error)

	mu     sync.Mutex
	conn   *Conn
	told   time.Time // when Told heard something
	untold int       // what it did not hear since
}

// paths are what a terminal may ask over a broker. Enrolment is not among them:
// its answer holds secrets, and here every broker reads along.
var paths = []string{"/v1/cases/", "/v1/terminals/", "/v1/time", "/v1/trust/", "/v1/uploads", "/v1/log/"}

// headers are the ones that mean something to a route.
var headers = map[string]bool{
	"Content-Digest": true, "Content-Type": true, "If-None-Match": true, "Tus-Resumable": true, "Unbindd-Log-Size": true,
	"Upload-Checksum": true, "Upload-Length": true, "Upload-Metadata": true, "Upload-Offset": true,
}

// Serve answers until the connection is lost or ctx ends, and returns when no
// question is being answered any more. ready is called once the subscriptions stand.
func (d *Desk) Serve(ctx context.Context, ready func()) error {
	conn, err := Dial(ctx, d.Route)
	if err != nil {
		return err
	}
	s := newSitting(d, conn)
	defer s.end()
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.at(conn)
	defer d.at(nil)
	for _, filter := range []string{knownRoot + "+" + upEnd, openRoot + "+" + upEnd} {
		err := conn.Subscribe(ctx, filter, func(topic string, payload []byte) { s.take(ctx, topic, payload) })
		if err != nil {
			return err
		}
	}
	ready()
	select {
	case <-conn.Lost():
		return ErrLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// at says which connection rings.
func (d *Desk) at(conn *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conn = conn
}

// Ring rings a terminal's bell. Nobody may be there to hear it, and nobody has
// to be: it only saves waiting.
func (d *Desk) Ring(ctx context.Context, terminal, etag string) error {
	d.mu.Lock()
	conn := d.conn
	d.mu.Unlock()
	if conn == nil {
		return ErrLost
	}
	return conn.Publish(ctx, BellTopic(terminal), []byte(etag))
}

// serve answers a question once all of it is there.
func (s *sitting) serve(ctx context.Context, topic string, payload []byte) error {
	d := s.desk
	terminal, open, ok := speaker(topic)
	if !ok {
		return errors.New("cannot answer: the topic is nobody's")
	}
	h, piece, err := parse(payload)
	if err != nil {
		return err
	}
	if h.Parts > 1 && (open || len(h.Cert) == 0) {
		return errors.New("cannot answer: what nobody signs fits one message")
	}
	if err := d.partIs(h, piece, terminal); err != nil {
		return err
	}
	body, whole := s.parts.add(topic, h, piece)
	if !whole {
		return nil
	}
	done, ok := s.begin(topic, h.ID, open)
	if !ok {
		return nil // it is being answered, or too much is: it will be sent again
	}
	defer done()
	q := Question{Method: h.Method, Path: h.Path, Header: headerOf(h.Header), Body: body}
	text := q.said(terminal, h.ID)
	chain, err := d.asker(h, terminal, open, text)
	if err != nil {
		return err
	}
	sent, err := d.seal(d.hand(ctx, q, chain), text, terminal, h.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.Route.patience(), errNoWord)
	defer cancel()
	for _, m := range sent {
		if err := s.conn.Publish(ctx, root(open)+escape.Replace(terminal)+downEnd, m); err != nil {
			return err
		}
	}
	return nil
}

// asker is the certificate of who signed the question, or nil where nobody did.
// The signature is over the topic's name: what was signed for one terminal's
// topic is nothing on another's, where its answer would be read by another.
func (d *Desk) asker(h head, terminal string, open bool, text []byte) ([]*x509.Certificate, error) {
	if open || (len(h.Cert) == 0 && len(h.Sig) == 0) {
		return nil, nil
	}
	chain, err := d.client(h, terminal)
	if err == nil {
		err = verify(chain[0], text, h.Sig)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot believe a question: %w", err)
	}
	return chain, nil
}

// partIs checks the signature of one of several parts before it is kept, so that
// nobody but its terminal can spoil a question.
func (d *Desk) partIs(h head, piece []byte, terminal string) error {
	if h.Parts == 1 {
		return nil
	}
	chain, err := d.client(h, terminal)
	if err == nil {
		err = verify(chain[0], h.partSaid(terminal, piece), h.Own)
	}
	if err != nil {
		return fmt.Errorf("cannot believe a part of a question: %w", err)
	}
	return nil
}

// client is the chain of a terminal's certificate, on that terminal's topic.
func (d *Desk) client(h head, terminal string) ([]*x509.Certificate, error) {
	chain, err := chainOf(h.Cert)
	if err != nil {
		return nil, err
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: d.Clients, CurrentTime: d.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err == nil && chain[0].Subject.CommonName != terminal {
		err = errors.New("its certificate is another terminal's than the topic")
	}
	return chain, err
}

// hand asks the handler, as a request over TLS with that certificate would.
func (d *Desk) hand(ctx context.Context, q Question, chain []*x509.Certificate) Answer {
	w := &recorder{header: http.Header{}}
	r, err := http.NewRequestWithContext(ctx, q.Method, "https://desk"+q.Path, bytes.NewReader(q.Body))
	if err != nil || !allowed(q.Path) {
		w.WriteHeader(http.StatusNotFound)
		return w.answer()
	}
	for name, value := range flat(q.Header) {
		if headers[name] {
			r.Header.Set(name, value)
		}
	}
	r.TLS = &tls.ConnectionState{PeerCertificates: chain}
	if err := shielded(d.Handler, w, r); err != nil {
		d.tell(q.Path, err)
		w = &recorder{header: http.Header{}, code: http.StatusInternalServerError}
	}
	return w.answer()
}

// shielded ends a handler's panic here, as the HTTP server would at its own door.
func shielded(h http.Handler, w *recorder, r *http.Request) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("cannot answer: the handler gave up: %v", why)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func allowed(path string) bool {
	for _, p := range paths {
		if path == strings.TrimSuffix(p, "/") || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/") {
			return true
		}
	}
	return false
}

func (d *Desk) seal(a Answer, question []byte, terminal, id string) ([][]byte, error) {
	sig, err := d.Speaker.sign(a.said(question))
	if err != nil {
		return nil, fmt.Errorf("cannot sign an answer: %w", err)
	}
	return messages(head{Cert: d.Speaker.Chain, Code: a.Code, Header: flat(a.Header), ID: id, Sig: sig}, a.Body, d.Message, d.Speaker.own(terminal))
}

// recorder is what a handler writes its answer to. It has no connection, so its
// deadlines mean nothing.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
	over   bool // more was written than a broker carries
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.over = w.over || w.body.Len()+len(p) > maxBody; w.over {
		return 0, errors.New("the answer is too long for a broker")
	}
	return w.body.Write(p)
}

func (w *recorder) SetReadDeadline(time.Time) error { return nil }

func (w *recorder) SetWriteDeadline(time.Time) error { return nil }

// answer is what was written, whole: of a part of it nothing is said.
func (w *recorder) answer() Answer {
	if w.over {
		return Answer{Code: http.StatusInternalServerError, Header: http.Header{}}
	}
	w.WriteHeader(http.StatusOK)
	return Answer{Code: w.code, Header: w.header, Body: w.body.Bytes()}
}
