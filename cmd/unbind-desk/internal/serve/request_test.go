package serve

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

func TestPreferWait(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"wait=10": 10 * time.Second, "respond-async, wait=5": 5 * time.Second, "Wait=7": 7 * time.Second, `wait="3"`: 3 * time.Second,
		"wait=99999": maxWait, "wait=-1": 0, "wait=x": 0, "": 0, "wait": 0, "waiting=9": 0, "wait=1e9": 0,
	} {
		if got := preferWait([]string{text}); got != want {
			t.Errorf("%q waits %v, want %v", text, got, want)
		}
	}
}

func TestContentDigest(t *testing.T) {
	digest := envelope.DigestOf([]byte("x"))
	raw, err := digest.Raw()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(raw[:])
	for field, ok := range map[string]bool{
		"sha-256=:" + text + ":": true, "sha-512=:AA==:, sha-256=:" + text + ":": true,
		"sha-256=" + text: false, "sha-256=:" + text: false, "sha-256=::": false, "sha-256=:AA==:": false, "": false, "sha-256=:": false,
		"md5=:" + text + ":": false,
	} {
		got, err := contentDigest(field)
		if (err == nil) != ok || (ok && got != digest) {
			t.Errorf("%q: %s, %v", field, got, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, ok := range map[string]bool{"1": true, "42": true, "0": false, "-1": false, "01": false, "+1": false, "1.0": false, "": false, "1048577": true, "9223372036854775807": true, "9223372036854775808": false, "１": false} {
		if _, err := numberOf(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// No path that passes can name anything but what it spells.
func FuzzPlainPath(f *testing.F) {
	for _, seed := range []string{"/v1/cases/C-1/manifest/1", "/v1/../x", "/v1//x", "/v1/%2e%2e/x", "/", "", "/a/./b", `/a\b`, "/..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if plainPath(text) && (path.Clean(text) != text || strings.Contains(text, "%") || len(text) > 256) {
			t.Fatalf("%q passes and means %q", text, path.Clean(text))
		}
	})
}

// What an operator's request holds never comes back in an error, and what is
// read is of its class.
func FuzzOperatorRequests(f *testing.F) {
	f.Add([]byte(`{"terminal":"T-1","serial":"SN","acquirer":"a","merchant":"m","uscc":"u","account":"c","reader":{"sn":"P","pub":"","pairing":"AAAA"}}`))
	f.Add([]byte(`{"terminal":"T-1","action":"rebind","profile":"p","reason":"r","gate":"receipt","level":"clear","set":"s","valid":1}`))
	f.Add([]byte(`{"kind":"cancel","case":"C-1"}`))
	f.Add([]byte(`{"kind":"amend","case":"C-1","allow":["x y"]} {}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a desk.Admission
		var w desk.Wish
		var o desk.Follow
		for _, v := range []any{&a, &w, &o} {
			err := decode(body, v)
			if err != nil && len(body) > 64 && strings.Contains(err.Error(), string(body)) {
				t.Fatal("the error repeats the request")
			}
		}
		for _, id := range []envelope.ID{a.Serial, w.Action, w.Profile} {
			if id != "" && !id.Valid() {
				t.Fatalf("%q was read as an id", id)
			}
		}
		if out := fmt.Sprintf("%+v", a.Reader); len(a.Reader.Pairing.Reveal()) > 8 && strings.Contains(out, string(a.Reader.Pairing.Reveal())) {
			t.Fatal("the pairing key is printed")
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("wait=5", "sha-256=:AA==:")
	f.Add("wait=99999999999999999999", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
	f.Fuzz(func(t *testing.T, prefer, digest string) {
		if w := preferWait([]string{prefer}); w < 0 || w > maxWait {
			t.Fatalf("%q waits %v", prefer, w)
		}
		if d, err := contentDigest(digest); err == nil && !d.Valid() {
			t.Fatalf("%q is read as %q", digest, d)
		}
	})
}
