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

const (
	atOnce   = 32       // questions that are answered at the same time
	openMost = 32 << 20 // bytes of questions that are not whole yet
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
	// Told hears of every question that is dropped, and why; it may be nil.
	Told func(topic string, err error)

	slots chan struct{}
	parts *assembly
	mu    sync.Mutex
	busy  map[string]bool // questions that are being answered
	conn  *Conn
}

// paths are what a terminal may ask over a broker. Enrolment is not among them:
// its answer holds secrets, and here every broker reads along.
var paths = []string{"/v1/cases/", "/v1/terminals/", "/v1/time", "/v1/trust/", "/v1/uploads"}

// headers are the ones that mean something to a route.
var headers = map[string]bool{
	"Content-Digest": true, "Content-Type": true, "If-None-Match": true, "Tus-Resumable": true,
	"Upload-Checksum": true, "Upload-Length": true, "Upload-Metadata": true, "Upload-Offset": true,
}

// Serve answers until the connection is lost or ctx ends. ready is called once
// the subscriptions stand.
func (d *Desk) Serve(ctx context.Context, ready func()) error {
	conn, err := Dial(ctx, d.Route)
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.mu.Lock()
	d.slots, d.parts, d.busy, d.conn = make(chan struct{}, atOnce), newAssembly(openMost), map[string]bool{}, conn
	d.mu.Unlock()
	for _, filter := range []string{knownRoot + "+" + upEnd, openRoot + "+" + upEnd} {
		err := conn.Subscribe(ctx, filter, func(topic string, payload []byte) { d.take(ctx, conn, topic, payload) })
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

func (d *Desk) take(ctx context.Context, conn *Conn, topic string, payload []byte) {
	if err := d.serve(ctx, conn, topic, payload); err != nil && d.Told != nil {
		d.Told(topic, err)
	}
}

// serve answers a question once all of it is there.
func (d *Desk) serve(ctx context.Context, conn *Conn, topic string, payload []byte) error {
	terminal, open, ok := speaker(topic)
	if !ok {
		return errors.New("cannot answer: the topic is nobody's")
	}
	h, piece, err := parse(payload)
	if err != nil {
		return err
	}
	key := topic + " " + h.ID
	body, whole := d.parts.add(key, h, piece)
	if !whole {
		return nil
	}
	done, ok := d.begin(key)
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
	sent, err := d.seal(d.hand(ctx, q, chain), text, h.ID)
	for _, m := range sent {
		err = errors.Join(err, conn.Publish(ctx, root(open)+escape.Replace(terminal)+downEnd, m))
	}
	return err
}

func (d *Desk) begin(key string) (done func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[key] {
		return nil, false
	}
	select {
	case d.slots <- struct{}{}:
	default:
		return nil, false
	}
	d.busy[key] = true
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.busy, key)
		<-d.slots
	}, true
}

// asker is the certificate of who signed the question, or nil where nobody did.
// The signature is over the topic's name: what was signed for one terminal's
// topic is nothing on another's, where its answer would be read by another.
func (d *Desk) asker(h head, terminal string, open bool, text []byte) ([]*x509.Certificate, error) {
	if open || (len(h.Cert) == 0 && len(h.Sig) == 0) {
		return nil, nil
	}
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
	if err == nil {
		err = verify(chain[0], text, h.Sig)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot believe a question: %w", err)
	}
	return chain, nil
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
	d.Handler.ServeHTTP(w, r)
	return w.answer()
}

func allowed(path string) bool {
	for _, p := range paths {
		if path == strings.TrimSuffix(p, "/") || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/") {
			return true
		}
	}
	return false
}

func (d *Desk) seal(a Answer, question []byte, id string) ([][]byte, error) {
	sig, err := d.Speaker.sign(a.said(question))
	if err != nil {
		return nil, fmt.Errorf("cannot sign an answer: %w", err)
	}
	return messages(head{Cert: d.Speaker.Chain, Code: a.Code, Header: flat(a.Header), ID: id, Sig: sig}, a.Body, d.Message)
}

// recorder is what a handler writes its answer to. It has no connection, so its
// deadlines mean nothing.
type recorder struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxBody {
		return 0, errors.New("the answer is too long for a broker")
	}
	return w.body.Write(p)
}

func (w *recorder) SetReadDeadline(time.Time) error { return nil }

func (w *recorder) SetWriteDeadline(time.Time) error { return nil }

func (w *recorder) answer() Answer {
	w.WriteHeader(http.StatusOK)
	return Answer{Code: w.code, Header: w.header, Body: w.body.Bytes()}
}
