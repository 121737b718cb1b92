package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// network stands between terminal and desk and does to every request what a seed
// says. It holds the keys of both ends, so that it can also do what only a
// balancer or a portal in front of the desk could: answer by itself.
type network struct {
	t     *testing.T
	desk  string
	world *world
	via   *http.Transport

	dying  sync.Mutex     // one death of the desk at a time
	dyings sync.WaitGroup // deaths whose desk is not back yet
	mu     sync.Mutex
	rand   *rand.Rand
	calm   bool                       // nothing goes wrong any more
	kills  int                        // of the desk that are still to come
	done   map[string]int             // faults, by name
	said   map[string]map[string]bool // what the desk itself answered to an object: path and digest of the body, to the replies
	other  map[string][]string        // replies with 200, by path, as ammunition for lies
	late   []*passing                 // requests that come once more, later
	asked  int
	broken []string // what must never be
}

// passing is a request on its way, read whole.
type passing struct {
	method, path string
	header       http.Header
	body         []byte
}

// reply is an answer, read whole.
type reply struct {
	code   int
	header http.Header
	body   []byte
}

// fault does one thing to a request; it returns the answer that goes on, or none
// when the connection breaks.
type fault func(n *network, p *passing) (reply, bool)

// networkFaults is everything that goes wrong. What is drawn is one of them or peace.
var networkFaults = []struct {
	name string
	do   fault
}{
	{"delay", func(n *network, p *passing) (reply, bool) { n.pause(40); return n.pass(p) }},
	{"request lost", func(*network, *passing) (reply, bool) { return reply{}, false }},
	{"answer lost", func(n *network, p *passing) (reply, bool) { n.pass(p); return reply{}, false }},
	{"duplicate", func(n *network, p *passing) (reply, bool) { n.pass(p); return n.pass(p) }},
	{"reorder", func(n *network, p *passing) (reply, bool) { n.keepForLater(p); return n.pass(p) }},
	{"request cut, its length mended", func(n *network, p *passing) (reply, bool) {
		cut := *p
		cut.body = p.body[:len(p.body)/2]
		return n.pass(&cut)
	}},
	{"request bent", func(n *network, p *passing) (reply, bool) {
		bent := *p
		bent.body = bytes.Clone(p.body)
		if len(bent.body) > 0 {
			bent.body[n.draw(len(bent.body))] ^= 0x10
		}
		return n.pass(&bent)
	}},
	{"answer cut, its length mended", func(n *network, p *passing) (reply, bool) {
		r, ok := n.pass(p)
		r.body = r.body[:len(r.body)/2]
		return r, ok
	}},
	{"500", status(500, "")},
	{"503 for a second", status(503, "1")},
	{"429", status(429, "0")},
	{"407", status(407, "")},
	{"403 of a firewall", status(403, "")},
	{"404 of a balancer", status(404, "")},
	{"302 to a portal", status(302, "")},
	{"lie: 200 and a page", func(*network, *passing) (reply, bool) { return page(200), true }},
	{"lie: 204", func(*network, *passing) (reply, bool) { return reply{code: 204, header: http.Header{}}, true }},
	{"lie: 202", func(*network, *passing) (reply, bool) { return page(202), true }},
	{"lie: 201", func(*network, *passing) (reply, bool) { return page(201), true }},
	{"lie: these bytes are kept", func(_ *network, p *passing) (reply, bool) { return keeps(p, 204, nil), true }},
	{"lie: another object's receipt", func(n *network, p *passing) (reply, bool) { return n.another(p), true }},
	{"lie: garbage under the desk's own head", func(n *network, p *passing) (reply, bool) {
		r, ok := n.pass(p)
		r.body = bytes.Repeat([]byte("?"), len(r.body))
		return r, ok
	}},
	{"lie: 400 in the desk's words", refused(400, "E02:shape", "E03", "E07:tombstone")},
	{"lie: 403 in the desk's words", refused(403, "E10:certificate", "E10:gone", "E09:case", "E28:tombstone")},
	{"lie: 409 in the desk's words", refused(409, "E11:other-bytes", "E28:state", "E28:offset")},
	{"lie: 422 in the desk's words", refused(422, "E28:case", "E28:subject", "E24:digest", "E07:outcome")},
	{"lie: the whole file is here", func(*network, *passing) (reply, bool) {
		return reply{code: 204, header: http.Header{"Upload-Offset": {"1024"}, "Location": {"/v1/uploads/x/1"}}}, true
	}},
}

func status(code int, retryAfter string) fault {
	return func(*network, *passing) (reply, bool) {
		r := page(code)
		if retryAfter != "" {
			r.header.Set("Retry-After", retryAfter)
		}
		if code == 302 {
			r.header.Set("Location", "http://portal.test/")
		}
		return r, true
	}
}

// refused is a refusal in the desk's own form: nothing in it is signed.
func refused(code int, codes ...string) fault {
	return func(n *network, _ *passing) (reply, bool) {
		body := fmt.Appendf(nil, `{"code":%q,"message":"cannot take it","next":"Give up."}`, codes[n.draw(len(codes))])
		sum := sha256.Sum256(body)
		return reply{code: code, body: body, header: http.Header{
			"Content-Type": {"application/json"}, "Content-Digest": {"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"},
		}}, true
	}
}

func page(code int) reply {
	return reply{code: code, header: http.Header{"Content-Type": {"text/html"}}, body: []byte("<html>welcome</html>")}
}

// keeps is a success in the desk's own words, which anybody can say who read the bytes.
func keeps(p *passing, code int, body []byte) reply {
	return reply{code: code, header: http.Header{"Unbindd-Kept": {fmt.Sprintf("sha256:%x", sha256.Sum256(p.body))}}, body: body}
}

// ServeHTTP draws what happens to a request and does it.
func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the terminal broke off
	}
	p := &passing{method: r.Method, path: r.URL.EscapedPath(), header: r.Header.Clone(), body: body}
	answer, ok := n.next()(n, p)
	n.comeLate()
	if !ok {
		reset(w)
		return
	}
	for name, values := range answer.header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.code)
	if p.method != http.MethodHead {
		_, _ = w.Write(answer.body) // the terminal may be gone
	}
}

// reset breaks a connection off without a goodbye.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if t, ok := conn.(*tls.Conn); ok {
		if tcp, ok := t.NetConn().(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset where it can be had
			_ = tcp.Close()
		}
	}
	_ = conn.Close()
}

// next draws: peace, or one of the faults; and now and then the desk dies.
func (n *network) next() fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	if n.calm || n.rand.IntN(100) < 45 {
		return (*network).pass
	}
	if n.kills > 0 && n.rand.IntN(12) == 0 {
		n.kills--
		n.dyings.Add(1)
		n.done["kill -9 of the desk"]++
		return (*network).killed
	}
	f := networkFaults[n.rand.IntN(len(networkFaults))]
	n.done[f.name]++
	return f.do
}

// quiet lets nothing go wrong any more, and waits for a desk that is being killed to
// be back.
func (n *network) quiet() {
	n.mu.Lock()
	n.calm = true
	n.mu.Unlock()
	n.dyings.Wait()
}

func (n *network) draw(most int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rand.IntN(most)
}

func (n *network) pause(most int) { time.Sleep(time.Duration(n.draw(most)) * time.Millisecond) }

// kill has the desk killed so many times more.
func (n *network) kill(times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kills = times
}

// killed hands a request on and kills the desk at some moment around it.
func (n *network) killed(p *passing) (reply, bool) {
	defer n.dyings.Done()
	answered := make(chan struct{})
	var r reply
	var ok bool
	go func() { defer close(answered); r, ok = n.pass(p) }()
	if wait := n.draw(30); wait > 20 {
		<-answered
	} else {
		time.Sleep(time.Duration(wait) * time.Millisecond)
	}
	n.dying.Lock()
	defer n.dying.Unlock()
	n.world.desk.kill()
	<-answered
	n.world.startDesk()
	return r, ok
}

// pass hands a request on as it is and keeps the book of the desk's own answers.
func (n *network) pass(p *passing) (reply, bool) {
	req, err := http.NewRequest(p.method, n.desk+p.path, bytes.NewReader(p.body))
	if err != nil {
		return reply{}, false
	}
	for name, values := range p.header {
		if name != "Content-Length" && name != "Expect" && name != "Accept-Encoding" {
			req.Header[name] = values
		}
	}
	resp, err := n.via.RoundTrip(req)
	if err != nil {
		return reply{}, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, false
	}
	r := reply{code: resp.StatusCode, header: resp.Header, body: body}
	n.book(p, r)
	return r, true
}

// book notes what the desk said. The same bytes must get the same answer for
// ever, and no other bytes any answer but 409, once some were taken.
func (n *network) book(p *passing, r reply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.code == http.StatusOK && len(r.body) > 0 {
		n.other[p.path] = append(n.other[p.path], string(r.body))
	}
	if p.method != http.MethodPut || r.code/100 != 2 {
		return
	}
	if n.said[p.path] == nil {
		n.said[p.path] = map[string]bool{}
	}
	n.said[p.path][fmt.Sprintf("%x -> %d %x", sha256.Sum256(p.body), r.code, sha256.Sum256(r.body))] = true
	if len(n.said[p.path]) > 1 {
		n.broken = append(n.broken, fmt.Sprintf("%s was answered in two ways: %v", p.path, n.said[p.path]))
	}
}

// another is a receipt, or whatever else was answered to another question.
func (n *network) another(p *passing) reply {
	n.mu.Lock()
	defer n.mu.Unlock()
	for path, bodies := range n.other {
		if path != p.path {
			return keeps(p, 200, []byte(bodies[len(bodies)-1]))
		}
	}
	return page(200)
}

// keepForLater has a request come once more, after others.
func (n *network) keepForLater(p *passing) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.late = append(n.late, p)
}

func (n *network) comeLate() {
	n.mu.Lock()
	var p *passing
	if len(n.late) > 0 && n.rand.IntN(3) == 0 {
		p, n.late = n.late[0], n.late[1:]
	}
	n.mu.Unlock()
	if p != nil && p.method == http.MethodPut {
		n.pass(p)
	}
}

// throughANetwork lets the terminal speak to its desk by way of a network that
// does what the seed says.
func (w *world) throughANetwork(seed uint64) *network {
	w.t.Helper()
	n := &network{
		t: w.t, desk: w.url, world: w, rand: rand.New(rand.NewPCG(seed, 5)),
		done: map[string]int{}, said: map[string]map[string]bool{}, other: map[string][]string{},
		via: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{w.terminalCertificate()}, InsecureSkipVerify: true}},
	}
	own, err := tls.LoadX509KeyPair(w.path("desk", "tls", "desk.pem"), w.path("desk", "tls", "desk.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert})
	if err != nil {
		w.t.Fatal(err)
	}
	s := &http.Server{Handler: n}
	go func() { _ = s.Serve(l) }() // it ends with the test
	w.t.Cleanup(func() { n.quiet(); _ = s.Close(); n.via.CloseIdleConnections() })
	w.setting("link:\n", "link:\n  url: https://"+l.Addr().String()+"\n")
	return n
}

// tally joins what went wrong in many runs.
func tally(all map[string]int) string {
	var lines []string
	for _, f := range append([]string{"kill -9 of the desk"}, faultNames()...) {
		lines = append(lines, fmt.Sprintf("%s %d", f, all[f]))
	}
	return strings.Join(lines, ", ")
}

func faultNames() []string {
	var names []string
	for _, f := range networkFaults {
		names = append(names, f.name)
	}
	return names
}
