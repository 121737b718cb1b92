package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
)

// hall is a desk in this process, with the doors of a real one: one that has the
// limits of every desk, and a hasty one where time and places are short.
type hall struct {
	*office
	desk  *desk.Desk
	calm  *serve.Server
	hasty string // address of the hasty door

	roots *x509.CertPool
}

// hastyLimits are so short that who stands still is refused at once. What is
// asked there never comes to its end, so no load can make it fail.
var hastyLimits = serve.Limits{
	Head: 2 * time.Second, Body: 2 * time.Second, Stall: time.Second, Least: 1 << 20,
	Idle: time.Minute, Answer: time.Minute, All: 200, Source: 100, Certificate: 100,
}

func newHall(t *testing.T) *hall {
	t.Helper()
	work := t.TempDir()
	h := &hall{office: &office{t: t, dir: directory.Dir(filepath.Join(work, "desk")), work: work}}
	h.cli("init", "--dir", string(h.dir), "--inventory", "logs=/var/log/pay/*.log")
	base, err := bolt.Open(string(h.dir))
	h.check(err)
	kept, err := store.New(base)
	h.check(err)
	t.Cleanup(func() { _ = kept.Close() }) // whatever it holds is thrown away
	calm, hasty := h.listen(), h.listen()
	h.url, h.hasty = "https://"+calm.Addr().String(), hasty.Addr().String()
	h.desk, err = (&serving{dir: h.dir, url: h.url}).open(kept, folder.Folder(h.dir.Blobs()), zerolog.Nop(), nil)
	h.check(err)
	h.calm = serve.New(h.desk, zerolog.Nop(), 1<<20)
	h.calm.Console = &serve.Console{Handler: http.NotFoundHandler(), URL: "http://127.0.0.1:1"} // has tests of its own
	h.run(h.calm, calm, h.dir.Socket())
	other := serve.New(h.desk, zerolog.Nop(), 1<<20)
	other.Limits = hastyLimits
	h.run(other, hasty, filepath.Join(work, "hasty.sock"))
	text, err := os.ReadFile(h.dir.CACertificate())
	h.check(err)
	h.roots = x509.NewCertPool()
	h.roots.AppendCertsFromPEM(text)
	return h
}

func (h *hall) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	h.check(err)
	return l
}

func (h *hall) run(s *serve.Server, terminals net.Listener, socket string) {
	operators, err := serve.ListenOperators(socket)
	h.check(err)
	shown, err := tls.LoadX509KeyPair(h.dir.Certificate("desk"), h.dir.CertificateKey("desk"))
	h.check(err)
	ended, ready := make(chan error, 1), make(chan bool)
	go func() {
		ended <- s.Run(h.t.Context(), serve.Doors{Terminals: terminals, Operators: operators}, shown, func() { close(ready) })
	}()
	<-ready
	h.t.Cleanup(func() {
		if err := <-ended; err != nil { // the test's context has ended by now
			h.t.Error(err)
		}
	})
}

// fingerprint is over every byte of the store and of the folder of sealed files.
func (h *hall) fingerprint() (sum [32]byte) {
	all := sha256.New()
	err := filepath.WalkDir(string(h.dir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(all, "%s %d\n", path, len(text))
		_, err2 := all.Write(text)
		return errors.Join(err, err2)
	})
	h.check(err)
	all.Sum(sum[:0])
	return sum
}

// asking is a request, word for word as it goes onto the line.
type asking struct {
	method, target string
	header         []string // "Name: value"
	body           []byte
	announced      string // Content-Length; "" is the body's own, "-" none
}

func (a asking) with(header ...string) asking {
	a.header = append(append([]string{}, a.header...), header...)
	return a
}

// without takes a header out.
func (a asking) without(name string) asking {
	var left []string
	for _, line := range a.header {
		if !strings.HasPrefix(line, name+":") {
			left = append(left, line)
		}
	}
	a.header = left
	return a
}

func (a asking) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: desk\r\n", a.method, a.target)
	for _, line := range a.header {
		fmt.Fprintf(&b, "%s\r\n", line)
	}
	switch {
	case a.announced == "-":
	case a.announced != "":
		fmt.Fprintf(&b, "Content-Length: %s\r\n", a.announced)
	case len(a.body) > 0 || (a.method != http.MethodGet && a.method != http.MethodHead):
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(a.body))
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func (a asking) bytes() []byte { return append(a.head(), a.body...) }

// heard is what came back.
type heard struct {
	status int
	code   string
	how    string // "tls", "closed": there was no answer
	again  bool   // one request had two answers
}

func (a heard) String() string {
	switch {
	case a.how != "":
		return a.how
	case a.code == "":
		return strconv.Itoa(a.status)
	}
	return strconv.Itoa(a.status) + " " + a.code
}

// isRefusal says whether nothing was given: the desk says no in its own words, or
// the server below it does, or there is no conversation at all.
func (a heard) isRefusal() bool {
	return !a.again && (a.how != "" || (a.status >= 400 && a.status < 500) || a.status == http.StatusNotImplemented)
}

// dial opens a line to a door: "" is the socket.
func (h *hall) dial(address string, shown *tls.Certificate) (net.Conn, error) {
	if address == "" {
		return net.Dial("unix", h.dir.Socket())
	}
	config := &tls.Config{RootCAs: h.roots, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}}
	if shown != nil { // also one that the desk did not ask for by its issuer
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	return tls.Dial("tcp", address, config)
}

// say sends bytes over a line of their own and hears what comes.
func (h *hall) say(address string, shown *tls.Certificate, method string, text []byte) heard {
	h.t.Helper()
	conn, err := h.dial(address, shown)
	if err != nil {
		return heard{how: "tls"}
	}
	defer conn.Close()
	h.check(conn.SetDeadline(time.Now().Add(signWait)))
	go func() { _, _ = conn.Write(text) }() // the desk may answer and close before it has all
	return h.hear(conn, method)
}

func (h *hall) hear(conn net.Conn, method string) heard {
	h.t.Helper()
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			h.t.Fatal("the desk neither answers nor closes")
		}
		// A refused certificate is told with the first read, as TLS 1.3 has it.
		if op := new(net.OpError); errors.As(err, &op) && op.Op == "remote error" {
			return heard{how: "tls"}
		}
		return heard{how: "closed"}
	}
	told := heard{status: resp.StatusCode}
	body, _ := io.ReadAll(resp.Body) // cut off where the desk has closed: what is there counts
	var r serve.Refusal
	if json.Unmarshal(body, &r) == nil {
		told.code = r.Code
	} else if resp.StatusCode >= 400 && method != http.MethodHead {
		told.code = "http"
	}
	if resp.Close {
		next, _ := in.Peek(5) // an error is the end, which is what is wanted
		told.again = string(next) == "HTTP/"
	}
	return told
}
