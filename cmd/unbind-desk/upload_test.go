package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/manifest"
)

// blobs is how many files lie in the desk's blob folder, finished or not.
func (o *office) blobs() int {
	o.t.Helper()
	entries, err := os.ReadDir(filepath.Join(string(o.dir), "blobs"))
	o.check(err)
	return len(entries)
}

// refused checks that an upload is refused and leaves nothing behind.
func (u *unbinding) refused(t *testing.T, r reply, err error, status int, code string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r.want(t, status, code)
	if n := u.desk.blobs(); n != 0 {
		t.Fatalf("%d files are left in the blob folder", n)
	}
	u.get(u.at("receipts/backup", u.manifest.N)).want(t, http.StatusNotFound, "E28:receipt-backup")
}

func TestUploadMustBeTheAnnouncedFile(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(20)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	at, sum := u.at("backup", 1), sha256.Sum256(u.file)

	r, err := u.upload(at, u.file, sum)
	u.refused(t, r, err, http.StatusNotFound, "E28:manifest")
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")

	flipped := bytes.Clone(u.file)
	flipped[len(flipped)/2] ^= 1
	r, err = u.upload(at, flipped, sum)
	u.refused(t, r, err, http.StatusUnprocessableEntity, "E24:digest")
	r, err = u.upload(at, flipped, sha256.Sum256(flipped))
	u.refused(t, r, err, http.StatusUnprocessableEntity, "E24:digest")
	r, err = u.upload(at, u.file[:len(u.file)-1], sum)
	u.refused(t, r, err, http.StatusUnprocessableEntity, "E24:digest")
	r, err = u.upload(at, append(bytes.Clone(u.file), 0), sum)
	u.refused(t, r, err, http.StatusUnprocessableEntity, "E24:digest")
	r = u.put(at, u.file) // without Content-Digest
	u.refused(t, r, nil, http.StatusBadRequest, "E24:digest")
	r, err = u.ask(u.known, http.MethodPut, at, announce(sum), struct{ io.Reader }{bytes.NewReader(u.file)}, -1)
	u.refused(t, r, err, http.StatusLengthRequired, "E02:length")

	// One that breaks off in the middle.
	if _, err := u.ask(u.known, http.MethodPut, at, announce(sum), io.MultiReader(bytes.NewReader(u.file[:100]), broken{}), int64(len(u.file))); err == nil {
		t.Fatal("a broken upload was answered")
	}
	r, err = u.upload(at, u.file, sum)
	u.check(err)
	r.want(t, http.StatusOK, "")
	again, err := u.upload(at, u.file, sum)
	u.check(err)
	if !bytes.Equal(r.body, again.body) {
		t.Fatal("the same file got another receipt")
	}
	other, err := u.upload(at, flipped, sha256.Sum256(flipped))
	u.check(err)
	other.want(t, http.StatusConflict, "E11:other-bytes")
	if n := o.blobs(); n != 1 {
		t.Fatalf("%d files lie in the blob folder, want the one", n)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("the line is cut") }

func TestBackupIsRecounted(t *testing.T) {
	o := newOffice(t)
	digest := envelope.DigestOf([]byte("another"))
	for i, c := range []struct {
		code   string
		change func(*manifest.Manifest)
	}{
		{"E24:count", func(m *manifest.Manifest) { m.Count++ }},
		{"E24:events", func(m *manifest.Manifest) { m.Events = 0 }},
		{"E24:refused", func(m *manifest.Manifest) { m.Refused = 1 }},
		{"E24:last", func(m *manifest.Manifest) { m.Last-- }},
		{"E24:head", func(m *manifest.Manifest) { m.Head = digest }},
		{"E24:sums", func(m *manifest.Manifest) { m.Sums[0].Amount++ }},
		{"E24:sums", func(m *manifest.Manifest) { m.Sums = []manifest.Sum{} }},
		{"E24:chain", func(m *manifest.Manifest) { m.First = 2 }},
	} {
		t.Run(c.code, func(t *testing.T) {
			m := newTerminal(o, fmt.Sprintf("T-%d", i))
			m.trade(2)
			m.closeBatch()
			u := m.begin(o.order(unbind(m.id), "ops-1", "sec-1"))
			u.sealed(c.change)
			u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
			r, err := u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
			u.refused(t, r, err, http.StatusUnprocessableEntity, c.code)
		})
	}
}

func TestBackupOfAnotherChain(t *testing.T) {
	o := newOffice(t)
	for i, c := range []struct {
		name  string
		code  string
		spoil func(u *unbinding) []string
	}{
		{"a line is missing", "E24:chain", func(u *unbinding) []string { return append(append([]string{}, u.lines[:1]...), u.lines[2:]...) }},
		{"two lines are swapped", "E24:chain", func(u *unbinding) []string { return []string{u.lines[1], u.lines[0], u.lines[2]} }},
		{"the end is missing", "E24:head", func(u *unbinding) []string { return u.lines[:2] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newTerminal(o, fmt.Sprintf("T-%d", i))
			m.trade(3)
			u := m.begin(o.order(unbind(m.id), "ops-1", "sec-1"))
			u.sealed(nothing)
			u.file = u.sealFile(c.spoil(u))
			u.manifest.Digest, u.manifest.Size = envelope.FromRaw(sha256.Sum256(u.file)), int64(len(u.file))
			u.signed = u.seal(manifest.Kind, u.manifest)
			u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
			r, err := u.upload(u.at("backup", 1), u.file, sha256.Sum256(u.file))
			u.refused(t, r, err, http.StatusUnprocessableEntity, c.code)
		})
	}
}

func TestManifestMustFit(t *testing.T) {
	o := newOffice(t)
	m, other := newTerminal(o, "T-1"), newTerminal(o, "T-2")
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	for _, c := range []struct {
		code   string
		change func(*manifest.Manifest)
	}{
		{"E28:case", func(m *manifest.Manifest) { m.Case = "C-9" }},
		{"E28:command", func(m *manifest.Manifest) { m.Command = envelope.DigestOf(nil) }},
		{"E09:terminal", func(m *manifest.Manifest) { m.Terminal = "T-2" }},
		{"E10", func(m *manifest.Manifest) { m.Epoch = 2 }},
		{"E21", func(m *manifest.Manifest) { m.Reader.SN = "PED-9" }},
		{"E28:n", func(m *manifest.Manifest) { m.N = 2 }},
		{"E28:supersedes", func(m *manifest.Manifest) { m.Supersedes = envelope.DigestOf(nil) }},
		{"E07:manifest", func(m *manifest.Manifest) { m.V = 2 }},
	} {
		u.sealed(c.change)
		u.put(u.at("manifest", 1), u.signed).want(t, http.StatusUnprocessableEntity, c.code)
	}
	u.sealed(nothing)
	u.put(u.at("manifest", 1), other.seal(manifest.Kind, u.manifest)).want(t, http.StatusForbidden, "E04")
	u.put(u.at("manifest", 1), u.signed).want(t, http.StatusNoContent, "")
	first := u.digest
	u.sealed(func(m *manifest.Manifest) { m.N = 2 })
	u.put(u.at("manifest", 2), u.signed).want(t, http.StatusUnprocessableEntity, "E28:supersedes")
	u.sealed(func(m *manifest.Manifest) { m.N, m.Supersedes = 2, envelope.DigestOf(nil) })
	u.put(u.at("manifest", 2), u.signed).want(t, http.StatusUnprocessableEntity, "E28:supersedes")
	u.sealed(func(m *manifest.Manifest) { m.N, m.Supersedes = 2, first })
	u.put(u.at("manifest", 2), u.signed).want(t, http.StatusNoContent, "")
}

// Bytes that were damaged on their way are not refused for good: what was sent
// is not what came, and it may come again.
func TestADamagedObjectMayComeAgain(t *testing.T) {
	o := newOffice(t)
	m := newTerminal(o, "T-1")
	m.trade(3)
	u := m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	u.sealed(nothing)
	at, sum := u.at("manifest", 1), sha256.Sum256(u.signed)
	send := func(body []byte) reply {
		r, err := u.ask(u.known, http.MethodPut, at, announce(sum), bytes.NewReader(body), int64(len(body)))
		u.check(err)
		return r
	}
	send(u.signed[:len(u.signed)/2]).want(t, http.StatusRequestTimeout, "E02:broken-off")
	bent := bytes.Clone(u.signed)
	bent[len(bent)/2] ^= 1
	send(bent).want(t, http.StatusRequestTimeout, "E02:broken-off")
	r := send(u.signed)
	r.want(t, http.StatusNoContent, "")
	if got, want := r.header.Get("Unbindd-Kept"), fmt.Sprintf("sha256:%x", sum); got != want {
		t.Errorf("the desk says it keeps %s, sent was %s", got, want)
	}
}
