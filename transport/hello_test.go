package transport

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A firewall that swallows greetings of more than one segment is noticed after
// two of them, told once, and passed with the smaller greeting from then on.
func TestAFirewallThatSwallowsLongGreetings(t *testing.T) {
	desk := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer desk.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var swallowed atomic.Int32
	go firewall(l, desk.Listener.Addr().String(), &swallowed)

	greeting, err := newHello(PQAuto)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: greeting.over(&http.Transport{
		TLSHandshakeTimeout: 100 * time.Millisecond, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	})}
	ask := func() error {
		resp, err := client.Get("https://" + l.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	if err := ask(); err == nil || strings.Contains(err.Error(), "from now on") {
		t.Fatalf("first: %v", err)
	}
	if err := ask(); err == nil || !strings.Contains(err.Error(), "from now on without post-quantum") {
		t.Fatalf("second: %v", err)
	}
	client.Transport.(*greeter).small.TLSHandshakeTimeout = time.Minute // there is an answer to wait for
	for range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if n := swallowed.Load(); n != 2 {
		t.Errorf("%d greetings were swallowed, want 2", n)
	}
	if off, err := newHello(PQOff); err != nil || !off.small.Load() {
		t.Errorf("off: %v", err)
	}
	if _, err := newHello("perhaps"); err == nil {
		t.Error("a setting that does not exist was accepted")
	}
}

// firewall hands connections on whose first record fits into one segment.
func firewall(l net.Listener, to string, swallowed *atomic.Int32) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			head := make([]byte, 5)
			if _, err := io.ReadFull(in, head); err != nil {
				return
			}
			if binary.BigEndian.Uint16(head[3:]) > 1200 {
				swallowed.Add(1)
				_, _ = io.Copy(io.Discard, in) // until the other end gives up
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer out.Close()
			_, err = out.Write(head)
			go func() { _, _ = io.Copy(in, out) }() // it ends with either of them
			if _, copied := io.Copy(out, in); errors.Join(err, copied) != nil {
				return
			}
		}()
	}
}
