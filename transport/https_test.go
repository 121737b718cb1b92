package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func newLink(t *testing.T, desk *transporttest.Desk, change func(*transport.Config, *transport.Identity)) *transport.HTTPS {
	t.Helper()
	config, id := transport.Config{URL: desk.URL, Proxy: transport.Direct, Single: 1 << 30}, desk.Identity(t, transporttest.Terminal)
	if change != nil {
		change(&config, &id)
	}
	link, err := transport.NewHTTPS(config, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	return link
}

// answers makes the desk answer every request in one way.
func answers(t *testing.T, status int, header map[string]string, body string) *transport.HTTPS {
	t.Helper()
	desk := transporttest.NewDesk(t, transporttest.Now())
	desk.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
	return newLink(t, desk, nil)
}

var manifest = transport.Object{Case: "case-1", Kind: "manifest", N: 1}

func TestRefusalsAreTold(t *testing.T) {
	for _, c := range []struct {
		status    int
		header    map[string]string
		body      string
		want      transport.Status
		permanent bool
	}{
		{409, nil, `{"code":"E11","message":"held","next":"-"}`, transport.Status{Code: 409, Err: "E11", Message: "held"}, true},
		{422, nil, `{"code":"E24:digest"}`, transport.Status{Code: 422, Err: "E24:digest"}, true},
		{400, nil, `{"code":"E02:shape"}`, transport.Status{Code: 400, Err: "E02:shape"}, true},
		{400, nil, `not json`, transport.Status{Code: 400}, false}, // somebody's on the way, not the desk's
		{403, nil, `{"code":"not\na code"}`, transport.Status{Code: 403}, false},
		{503, map[string]string{"Retry-After": "120"}, ``, transport.Status{Code: 503, RetryAfter: 2 * time.Minute}, false},
		{429, map[string]string{"Retry-After": "99999999"}, ``, transport.Status{Code: 429, RetryAfter: 24 * time.Hour}, false},
		{503, map[string]string{"Retry-After": "Sat, 01 Jan 2000 00:01:00 GMT", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, ``,
			transport.Status{Code: 503, RetryAfter: time.Minute}, false},
		{503, map[string]string{"Retry-After": "Fri, 31 Dec 1999 00:00:00 GMT", "Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, ``,
			transport.Status{Code: 503}, false},
		{307, map[string]string{"Location": "/elsewhere"}, ``, transport.Status{Code: 307}, false},
		{500, nil, `{"message":"` + strings.Repeat("x", 300) + `"}`, transport.Status{Code: 500, Message: strings.Repeat("x", 200)}, false},
	} {
		_, err := answers(t, c.status, c.header, c.body).Put(t.Context(), manifest, []byte(`{}`))
		var got *transport.Status
		if !errors.As(err, &got) || *got != c.want {
			t.Errorf("%d %q: got %+v (%v), want %+v", c.status, c.body, got, err, c.want)
		}
		if transport.Permanent(err) != c.permanent {
			t.Errorf("%d: permanent is %v", c.status, !c.permanent)
		}
	}
}

func TestStatusQuotesTheDesksWords(t *testing.T) {
	s := transport.Status{Code: 500, Err: "E11", Message: "a\x1b[31m\nb"}
	if got, want := s.Error(), `the desk answered 500 E11 ("a\x1b[31m\nb")`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestAnswersWithoutAReply(t *testing.T) {
	kept := map[string]string{"Unbindd-Kept": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"} // of {}
	if reply, err := answers(t, 204, kept, "").Put(t.Context(), manifest, []byte(`{}`)); reply != nil || err != nil {
		t.Errorf("204: %q, %v", reply, err)
	}
	if _, err := answers(t, 202, kept, "").Put(t.Context(), manifest, []byte(`{}`)); !errors.Is(err, transport.ErrNotYet) {
		t.Errorf("202: %v", err)
	}
	if _, err := answers(t, 204, nil, "").Fetch(t.Context(), manifest); !errors.Is(err, transport.ErrNotYet) {
		t.Errorf("fetch, 204: %v", err)
	}
}

// Something on the way that says yes to everything is not believed, whatever it
// puts into its answer; nor is a yes to other bytes.
func TestASuccessThatDoesNotNameTheBytesIsNotBelieved(t *testing.T) {
	for name, header := range map[string]map[string]string{
		"nothing": nil, "other bytes": {"Unbindd-Kept": "sha256:" + strings.Repeat("0", 64)}, "empty": {"Unbindd-Kept": ""},
	} {
		for _, code := range []int{200, 201, 202, 204} {
			body := map[bool]string{true: "", false: "<html>welcome</html>"}[code == 204]
			if _, err := answers(t, code, header, body).Put(t.Context(), manifest, []byte(`{}`)); err == nil || transport.Permanent(err) {
				t.Errorf("%s, %d to a put: %v", name, code, err)
			}
			if _, err := answers(t, code, header, body).Reveal(t.Context(), "case-1", []byte(`{}`)); err == nil || transport.Permanent(err) {
				t.Errorf("%s, %d to a reveal: %v", name, code, err)
			}
		}
	}
}

// A bundle that something on the way cut, mending its length, is not the one its
// tag names: taken for it, the terminal would never ask for the rest.
func TestAnAnswerThatWasCutIsNotBelieved(t *testing.T) {
	whole := map[string]string{"ETag": `"1"`, "Content-Digest": "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"} // of {}
	for body, ok := range map[string]bool{"{}": true, "{": false, "": false, "[]": false} {
		bundle, etag, err := answers(t, 200, whole, body).Pull(t.Context(), "", 0)
		if (err == nil) != ok || (!ok && (bundle != nil || etag != "")) {
			t.Errorf("%q: %q, %q, %v", body, bundle, etag, err)
		}
	}
}

// An object that was bent on its way comes again: the desk says that it is not what
// was sent, which is no refusal of what was.
func TestADamagedObjectComesAgain(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	bent := false
	desk.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if !bent {
			bent = true
			r.Body = io.NopCloser(strings.NewReader(`{"payload":"z"}`))
		}
		return false
	}
	link := newLink(t, desk, nil)
	body := []byte(`{"payload":"x"}`)
	if _, err := link.Put(t.Context(), manifest, body); err == nil || transport.Permanent(err) {
		t.Fatalf("bent on its way: %v, want a try that may be made again", err)
	}
	if _, err := link.Put(t.Context(), manifest, body); err != nil || !bytes.Equal(desk.Held(t, manifest), body) {
		t.Fatalf("the desk holds %q, %v", desk.Held(t, manifest), err)
	}
}

func TestTooLongAnAnswerIsRefused(t *testing.T) {
	_, err := answers(t, 200, nil, strings.Repeat("x", transport.MaxBody+1)).Fetch(t.Context(), manifest)
	if err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
		t.Fatalf("got %v", err)
	}
	body, err := answers(t, 200, nil, strings.Repeat("x", transport.MaxBody)).Fetch(t.Context(), manifest)
	if err != nil || len(body) != transport.MaxBody {
		t.Fatalf("got %d bytes, %v", len(body), err)
	}
}

func TestWithoutACertificateOnlyTheOpenRoutesWork(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	link := newLink(t, desk, func(_ *transport.Config, id *transport.Identity) { id.Key, id.Certificate = nil, nil })
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "no client certificate") {
		t.Errorf("put: %v", err)
	}
	if _, err := link.Reveal(t.Context(), "case-1", []byte(`{}`)); err != nil {
		t.Errorf("reveal: %v", err)
	}
	if reply, err := link.Time(t.Context(), []byte(`{"nonce":1}`)); string(reply) != `{"to":{"nonce":1}}` || err != nil {
		t.Errorf("time: %q, %v", reply, err)
	}
}

func TestEnrolByPinAlone(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	config := transport.Config{URL: desk.URL, Proxy: transport.Direct}
	for name, pin := range map[string]string{"CA": transport.Pin(desk.CA), "desk": transport.Pin(desk.Server)} {
		reply, err := transport.Enrol(t.Context(), config, transport.Identity{Pins: []string{pin}}, []byte(`{}`))
		if string(reply) != `{"to":{}}` || err != nil {
			t.Errorf("pin of the %s: %q, %v", name, reply, err)
		}
	}
	stranger := transport.Pin(transporttest.NewDesk(t, transporttest.Now()).CA)
	if _, err := transport.Enrol(t.Context(), config, transport.Identity{Pins: []string{stranger}}, []byte(`{}`)); err == nil {
		t.Error("a desk that is not pinned was believed")
	}
}

func TestAnUploadIsRefusedBeforeItsBytesGoOut(t *testing.T) {
	link := answers(t, 409, nil, `{"code":"E11:other-bytes"}`)
	var read int64
	body := bytes.NewReader(make([]byte, 8<<20))
	_, err := link.Upload(t.Context(), transport.Object{Case: "c", Kind: "backup", N: 1}, body.Size(),
		"sha256:"+strings.Repeat("0", 64), func() (io.ReadCloser, error) { return counted{body, &read}, nil })
	if !transport.Permanent(err) || read != 0 {
		t.Fatalf("%v after %d bytes; want a refusal before the first", err, read)
	}
}

type counted struct {
	io.Reader
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}

func (c counted) Close() error { return nil }

func TestTheDeskIsDialledByAddress(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	u, err := url.Parse(desk.URL)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) {
		c.URL = "https://desk.test:" + u.Port() // no resolver knows this name
		c.Addresses = []string{closed.Addr().String(), "127.0.0.1"}
	})
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
}

func TestTheGivenResolverIsAsked(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	asked := make(chan struct{}, 100)
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			asked <- struct{}{}
			buf[2], buf[3] = 0x81, 0x83 // answer, name error
			_, _ = server.WriteTo(buf[:n], from)
		}
	}()
	desk := transporttest.NewDesk(t, transporttest.Now())
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) {
		c.URL = "https://desk.test."
		c.Resolvers = []string{server.LocalAddr().String()}
	})
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err == nil {
		t.Fatal("a name that does not exist was found")
	}
	select {
	case <-asked: // before it answered
	default:
		t.Error("the resolver of the settings was not asked")
	}
}

func TestTheProxyIsUsed(t *testing.T) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := make(chan string, 1)
	go func() {
		defer close(line)
		conn, err := proxy.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 512)
		n, _ := conn.Read(buf)
		first, _, _ := strings.Cut(string(buf[:n]), "\r\n")
		line <- first
	}()
	desk := transporttest.NewDesk(t, transporttest.Now())
	link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) {
		c.URL = "https://desk.test"
		c.Addresses = []string{"127.0.0.1:1"} // for the desk only, never for the proxy
		c.Proxy = "http://" + proxy.Addr().String()
	})
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err == nil {
		t.Fatal("the proxy hung up and nobody noticed")
	}
	if err := proxy.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-line; got != "CONNECT desk.test:443 HTTP/1.1" {
		t.Fatalf("the proxy heard %q", got)
	}
}

// A proxy that wants to know who asks (407) is no refusal by the desk: it is told
// as what it is, and tried again; with a name in its address it lets us through.
func TestAProxyThatAsksWhoWeAre(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") == "" {
			w.Header().Set("Proxy-Authenticate", "Basic")
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		out, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		_, _ = io.Copy(in, out)
		_ = in.Close()
	}))
	defer proxy.Close()
	through := func(who string) error {
		link := newLink(t, desk, func(c *transport.Config, _ *transport.Identity) {
			c.Proxy = strings.Replace(proxy.URL, "http://", "http://"+who, 1)
		})
		_, err := link.Put(t.Context(), manifest, []byte(`{}`))
		return err
	}
	if err := through(""); err == nil || transport.Permanent(err) || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("unknown to the proxy: %v", err)
	}
	if err := through("shop:word@"); err != nil {
		t.Errorf("known to the proxy: %v", err)
	}
}

// A case costs one handshake: everything goes over one connection.
func TestOneConnectionCarriesACase(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	var mu sync.Mutex
	from := map[string]bool{}
	desk.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		from[r.RemoteAddr] = true
		return false
	}
	link := newLink(t, desk, nil)
	for n := range int64(10) {
		if _, err := link.Put(t.Context(), transport.Object{Case: "case-1", Kind: "answer", N: n + 1}, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if _, err := link.Fetch(t.Context(), manifest); !errors.Is(err, transport.ErrNotYet) {
			t.Fatal(err)
		}
	}
	if len(from) != 1 {
		t.Errorf("%d connections for one case", len(from))
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	for name, change := range map[string]func(*transport.Config, *transport.Identity){
		"plain http":          func(c *transport.Config, _ *transport.Identity) { c.URL = "http://desk.test" },
		"no host":             func(c *transport.Config, _ *transport.Identity) { c.URL = "https://" },
		"password in the URL": func(c *transport.Config, _ *transport.Identity) { c.URL = "https://u:p@desk.test" },
		"name for address":    func(c *transport.Config, _ *transport.Identity) { c.Addresses = []string{"desk.test"} },
		"name for resolver":   func(c *transport.Config, _ *transport.Identity) { c.Resolvers = []string{"dns.test"} },
		"proxy without host":  func(c *transport.Config, _ *transport.Identity) { c.Proxy = "3128" },
		"terminal":            func(_ *transport.Config, id *transport.Identity) { id.Terminal = "a b" },
		"pin":                 func(_ *transport.Config, id *transport.Identity) { id.Pins = []string{"sha256:00"} },
		"roots":               func(_ *transport.Config, id *transport.Identity) { id.Roots = []byte("no certificate") },
		"nothing to trust":    func(_ *transport.Config, id *transport.Identity) { id.Roots, id.Pins = nil, nil },
		"certificate missing": func(_ *transport.Config, id *transport.Identity) { id.Certificate = nil },
		"key of another":      func(_ *transport.Config, id *transport.Identity) { id.Key = desk.Identity(t, "pos-2").Key },
	} {
		config, id := transport.Config{URL: desk.URL}, desk.Identity(t, transporttest.Terminal)
		change(&config, &id)
		if _, err := transport.NewHTTPS(config, id); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
