package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The large halves: a gigabyte that is really sent, and ten thousand connections
// of one address. `make routes` runs them against a desk in a process of its own
// and prints what it measured; a test run has them small.
var heavy = os.Getenv("ROUTES_HEAVY") != ""

// memory is what the desk's process holds in main memory now, and at most so far.
func (o *office) memory() (now, most int64) {
	o.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.cmd.Process.Pid))
	o.check(err)
	read := func(name string) int64 {
		m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
		if m == nil {
			o.t.Fatalf("the kernel does not tell %s", name)
		}
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		o.check(err)
		return n
	}
	return read("VmRSS"), read("VmHWM")
}

// disk is how many bytes lie in the desk's directory.
func (o *office) disk() (all int64) {
	o.t.Helper()
	o.check(filepath.Walk(string(o.dir), func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			all += info.Size()
		}
		return err
	}))
	return all
}

func figure(t *testing.T, format string, args ...any) { t.Logf("routes: "+format, args...) }

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAGigabyteIsNotRead(t *testing.T) {
	size := int64(16 << 20)
	if heavy {
		size = 1 << 30
	}
	o := newOffice(t, "--max-backup", "1048576")
	m := begun(t, o, "T-1")
	before, _ := o.memory()
	disk := o.disk()
	raw := func(head string) (sent int64, answer string) {
		conn, err := tls.Dial("tcp", o.listen, m.known.Transport.(*http.Transport).TLSClientConfig)
		o.check(err)
		defer conn.Close()
		o.check(conn.SetDeadline(time.Now().Add(signWait)))
		_, err = io.WriteString(conn, head)
		o.check(err)
		came := make(chan []byte, 1)
		go func() {
			text, _ := io.ReadAll(conn) // it ends when the desk closes
			came <- text
		}()
		sent, _ = io.Copy(conn, io.LimitReader(zeros{}, size)) // the desk closes long before
		return sent, string(<-came)
	}
	for _, c := range []struct{ path, head string }{
		{"/v1/enrol", "POST %s HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n"},
		{m.at("manifest", 1), "PUT %s HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n"},
		{m.at("backup", 1), "PUT %s HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n"},
		{m.at("manifest", 1), "GET %s HTTP/1.1\r\nHost: d\r\nContent-Length: %d\r\n\r\n"},
	} {
		sent, answer := raw(fmt.Sprintf(c.head, c.path, size))
		if !strings.HasPrefix(answer, "HTTP/1.1 413 ") || !strings.Contains(answer, "E01:bytes") {
			t.Errorf("%s is answered with %.60q", c.path, answer)
		}
		if sent > 8<<20 {
			t.Errorf("%s took %d bytes before it refused", c.path, sent)
		}
		figure(t, "%s of %d MiB announced: refused when %d KiB were on the way", strings.Fields(c.head)[0], size>>20, sent>>10)
	}
	// A file of a size that may come, and then it is another: taken piece by piece, kept nowhere.
	u := *m
	u.file = bytes.Repeat([]byte{0}, 1<<20)
	if r, err := u.upload(u.at("backup", 1), u.file, [32]byte{}); err == nil && r.status/100 == 2 {
		t.Error("a file of zeros is taken")
	}
	now, most := o.memory()
	figure(t, "memory of the desk %d KiB before, %d KiB after, %d KiB at most", before, now, most)
	if grown := most - before; grown > 64<<10 {
		t.Errorf("the desk's memory grew by %d KiB", grown)
	}
	if grown := o.disk() - disk; grown > 0 {
		t.Errorf("%d bytes stayed on the disk", grown)
	}
}

// lets says whether a request is answered on a connection, which stays open.
func lets(conn net.Conn) bool {
	if _, err := io.WriteString(conn, "GET /v1/log/checkpoint HTTP/1.1\r\nHost: d\r\n\r\n"); err != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return err == nil
}

// Ten thousand connections from one address take that address's share. Whoever
// has a certificate is served beside them, at the same address.
func TestTenThousandConnections(t *testing.T) {
	many, share := 200, 50
	args := []string{"--most-source", "50"}
	if heavy {
		many, share, args = 10_000, 1024, nil
	}
	o := newOffice(t, args...)
	m := newTerminal(o, "T-1")
	before, _ := o.memory()
	var open, cut atomic.Int64
	var mu sync.Mutex
	var held []net.Conn
	t.Cleanup(func() {
		for _, c := range held {
			_ = c.Close() // the desk has closed most of them
		}
	})
	ca, err := os.ReadFile(o.dir.CACertificate())
	o.check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	jobs, done := make(chan int), sync.WaitGroup{}
	for range 32 {
		done.Go(func() {
			for range jobs {
				raw, err := net.Dial("tcp", o.listen)
				if err != nil {
					cut.Add(1)
					continue
				}
				conn := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13})
				if !lets(conn) { // a client's handshake is over before the desk has decided
					_ = raw.Close()
					cut.Add(1)
					continue
				}
				open.Add(1)
				mu.Lock()
				held = append(held, conn)
				mu.Unlock()
			}
		})
	}
	served := 0
	for n := range many {
		jobs <- n
		if n%(many/10) == many/10-1 { // the others go on being served
			m.get("/v1/terminals/T-1/command").want(t, http.StatusNoContent, "")
			served++
		}
	}
	close(jobs)
	done.Wait()
	fresh := m.client(*m.certificate()) // a new connection, not one that was there before
	m.do(fresh, http.MethodGet, "/v1/terminals/T-1/command", nil).want(t, http.StatusNoContent, "")
	now, most := o.memory()
	figure(t, "%d connections of one address without a certificate: %d let in, %d cut off; %d requests of a terminal at that address served meanwhile", many, open.Load(), cut.Load(), served)
	figure(t, "memory of the desk %d KiB before, %d KiB with them, %d KiB at most", before, now, most)
	if cut.Load() == 0 || open.Load() < int64(share)/2 {
		t.Errorf("%d were let in and %d cut off, the share is %d", open.Load(), cut.Load(), share)
	}
	if grown := most - before; grown > 256<<10 {
		t.Errorf("the desk's memory grew by %d KiB", grown)
	}
	o.kill() // its log is whole
	if n := strings.Count(o.log.String(), "too many connections"); n == 0 {
		t.Error("nothing of it is in the desk's log")
	}
}
