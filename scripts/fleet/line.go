package fleet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// Line is one connection to the desk. It needs no goroutine of its own, so that
// ten thousand of them tell of the desk's weight and not of ours.
type Line struct {
	conn *tls.Conn
	in   *bufio.Reader
	host string
}

// Dial shakes hands with the desk, TLS 1.3, as a terminal does: no session is
// taken up again, every handshake is a whole one.
func (o *Office) Dial(ctx context.Context, shown ...tls.Certificate) (*Line, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: o.roots, ServerName: "127.0.0.1", Certificates: shown}
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("cannot reach the desk: %w", err)
	}
	conn := tls.Client(raw, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot shake hands with the desk: %w", err), raw.Close())
	}
	return &Line{conn: conn, in: bufio.NewReaderSize(conn, 4096), host: o.addr}, nil
}

// Close ends the connection.
func (l *Line) Close() {
	if l != nil {
		_ = l.conn.NetConn().Close() // the other end may be dead already
	}
}

// Answer is what the desk said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Want turns anything but one status into an error.
func (a Answer) Want(status int, err error) error {
	if err == nil && a.Status != status {
		err = fmt.Errorf("the desk answers %d, not %d: %s", a.Status, status, a.Body)
	}
	return err
}

// Ask sends one request and reads its answer.
func (l *Line) Ask(method, path string, header http.Header, body []byte) (Answer, error) {
	if err := l.Send(method, path, header, body); err != nil {
		return Answer{}, err
	}
	return l.Hear(method)
}

// Send sends a request.
func (l *Line) Send(method, path string, header http.Header, body []byte) error {
	if _, err := l.conn.Write(l.Request(method, path, header, body)); err != nil {
		return fmt.Errorf("cannot ask the desk: %w", err)
	}
	return nil
}

// Request makes up a request as it goes over the line.
func (l *Line) Request(method, path string, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	b.WriteString(method + " " + path + " HTTP/1.1\r\nHost: " + l.host + "\r\n")
	if method != http.MethodGet {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	for name, values := range header {
		for _, v := range values {
			b.WriteString(name + ": " + v + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// Put sends a request that is made up already and reads its answer, of which it gives
// out the body alone: what is timed should be the desk, and not how we take HTTP apart.
// An answer of another form, or another status, comes back by Hear's way.
func (l *Line) Put(request []byte) ([]byte, error) {
	if _, err := l.conn.Write(request); err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	head, err := l.in.Peek(len(statusOK))
	if err != nil {
		return nil, fmt.Errorf("cannot hear the desk: %w", err)
	}
	if string(head) != statusOK {
		a, err := l.Hear(http.MethodPut)
		return nil, a.Want(http.StatusOK, err)
	}
	size := -1
	for {
		line, err := l.in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("cannot hear the desk: %w", err)
		}
		if len(line) == len("\r\n") {
			break
		}
		if text, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return nil, fmt.Errorf("cannot hear the desk: %w", err)
			}
		}
	}
	if size < 0 {
		return nil, errors.New("cannot hear the desk: its answer announces no length")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(l.in, body); err != nil {
		return nil, fmt.Errorf("cannot hear the desk: %w", err)
	}
	return body, nil
}

const statusOK = "HTTP/1.1 200 "

// Hear reads the answer to what was sent.
func (l *Line) Hear(method string) (Answer, error) {
	resp, err := http.ReadResponse(l.in, &http.Request{Method: method})
	if err != nil {
		return Answer{}, fmt.Errorf("cannot hear the desk: %w", err)
	}
	body, err := io.ReadAll(resp.Body)
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, errors.Join(err, resp.Body.Close())
}
