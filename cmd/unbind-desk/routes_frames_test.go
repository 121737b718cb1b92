package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"unbindd/cmd/unbind-desk/internal/serve"
)

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
func queryOf(text string) string  { return url.QueryEscape(text) }

func inJSON(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // maps of strings always encode
	}
	return text
}

// inner is a request that somebody smuggles inside another: it would be granted.
const inner = "POST /v1/time HTTP/1.1\r\nHost: desk\r\nContent-Length: 21\r\n\r\n{\"nonce\":\"n-1\",\"v\":1}"

// frames: one message that two programs might cut at different places, and
// clients who do not come to an end.
var frames = []attack{
	{"two lengths", func(v *visit, r serve.Route) (all []heard) {
		a := v.right(r)
		a.announced = "-"
		chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(a.body)+1, append(a.body, ' '))
		for _, header := range [][]string{
			{"Transfer-Encoding: chunked"}, {"Content-Length: 4", "Transfer-Encoding: chunked"}, {"Transfer-Encoding: chunked", "Content-Length: 0"},
			{"Transfer-Encoding: xchunked", "Content-Length: 4"}, {"Transfer-Encoding: chunked", "Transfer-Encoding: identity"},
			{"Transfer-Encoding: identity, chunked"}, {"Transfer-Encoding : chunked"}, {"Transfer-Encoding:\tchunked\r\n ,x"},
			{"Content-Length: 4", "Content-Length: 5"}, {"Content-Length: +4"}, {"Content-Length: 4, 5"}, {"Content-Length: 0x4"}, {"Content-Length: -1"},
			{"Content-Length: 99999999999999999999"}, {"Content-Length : 4"}, {"X: a\nTransfer-Encoding: chunked", "Content-Length: 4x"}, {"X: a\x00b"},
		} {
			all = append(all, v.say(v.address(r), v.welcome(r), r.Method, append(a.with(header...).head(), chunked+inner...)))
		}
		return all
	}, false},
	{"cut off", func(v *visit, r serve.Route) []heard {
		if r.Body.Most == 0 {
			return nil
		}
		a := v.right(r)
		a.announced = fmt.Sprint(len(a.body) + 10) // it ends before that
		if r.Method == http.MethodPatch {
			a.announced, a.body = fmt.Sprint(len(a.body)), a.body[:len(a.body)/2] // of a piece that fits
		}
		return []heard{v.half(r, a)}
	}, false},
	{"slow head", func(v *visit, r serve.Route) []heard {
		head := v.right(r).head()
		return []heard{v.hurried(r, head[:len(head)-2], slices.Repeat([]string{"X-Slow: 1\r\n"}, tooMany))}
	}, true},
	{"slow body", func(v *visit, r serve.Route) []heard {
		if r.Body.Most == 0 {
			return nil
		}
		a := v.right(r)
		words := slices.Repeat([]string{" "}, tooMany)
		a.announced = fmt.Sprint(len(a.body) + 1<<16)
		if r.Method == http.MethodPatch { // what comes is kept, and so it must be the file's
			half := len(a.body) / 2
			a.announced, words = fmt.Sprint(len(a.body)), bytewise(a.body[half:])
			a.body = a.body[:half]
		}
		return []heard{v.hurried(r, a.bytes(), words)}
	}, true},
}

// half sends a request and then says that nothing more will come.
func (v *visit) half(r serve.Route, a asking) heard {
	conn, err := v.dial(v.address(r), v.welcome(r))
	v.check(err)
	defer conn.Close()
	v.check(conn.SetDeadline(time.Now().Add(signWait)))
	_, _ = conn.Write(a.bytes()) // the desk may have answered and closed before
	if end, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = end.CloseWrite() // as above
	}
	return v.hear(conn, a.method)
}

// bytewise is a text, a byte at a time.
func bytewise(text []byte) (words []string) {
	for _, b := range text {
		words = append(words, string([]byte{b}))
	}
	return words
}

// tooMany words are never through before the desk's patience ends.
const tooMany = 1 << 14

// hurried begins a request at the hasty door and goes on with a word at a time. It is
// the desk that has to end it.
func (v *visit) hurried(r serve.Route, begin []byte, words []string) heard {
	address := v.hasty
	if r.Who == serve.Owner {
		address = "hasty"
	}
	conn, err := v.dialHasty(address, r)
	for n := 0; err != nil && n < 10; n++ { // its patience may end within the handshake
		conn, err = v.dialHasty(address, r)
	}
	v.check(err)
	defer conn.Close()
	v.check(conn.SetDeadline(time.Now().Add(signWait)))
	_, _ = conn.Write(begin) // the desk may have answered and closed before
	done := make(chan heard, 1)
	go func() { done <- v.hear(conn, r.Method) }()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case got := <-done:
			tick.Stop()
			return got
		case <-tick.C:
			if len(words) > 1 { // never the last
				_, _ = conn.Write([]byte(words[0])) // it fails when the desk has closed
				words = words[1:]
			}
		}
	}
}

func (v *visit) dialHasty(address string, r serve.Route) (net.Conn, error) {
	if address == "hasty" {
		return net.Dial("unix", v.work+"/hasty.sock")
	}
	return v.dial(strings.TrimPrefix(address, "https://"), v.welcome(r))
}
