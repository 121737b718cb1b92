package transporttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"unbindd/transport"
)

// Folder stands for a USB medium and for the person who carries it.
type Folder struct{ Path string }

// NewFolder makes a medium that is ready for use.
func NewFolder(t *testing.T) *Folder {
	t.Helper()
	f := &Folder{t.TempDir()}
	must(t, os.Mkdir(filepath.Join(f.Path, "unbind"), 0o700))
	return f
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// home spells the layout on its own, so that it cannot change unnoticed.
func (f *Folder) home() string { return filepath.Join(f.Path, "unbind", Terminal) }

func (f *Folder) folder(caseID, side string) string {
	name := strings.NewReplacer("/", "%2F", ":", "%3A").Replace(caseID)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	if strings.HasSuffix(name, ".") {
		name = name[:len(name)-1] + "%2E"
	}
	return filepath.Join(f.home(), name, side)
}

// write replaces a file in one go, as a careful person with a stick would.
func write(t *testing.T, dir, name string, body []byte) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "."+name), body, 0o600))
	must(t, os.Rename(filepath.Join(dir, "."+name), filepath.Join(dir, name)))
}

// Offer writes the terminal's command.json.
func (f *Folder) Offer(t *testing.T, body []byte) {
	t.Helper()
	write(t, f.home(), "command.json", body)
}

// Place writes an object into the case's folder `in`.
func (f *Folder) Place(t *testing.T, o transport.Object, body []byte) {
	t.Helper()
	write(t, f.folder(o.Case, "in"), o.Kind+"-"+strconv.FormatInt(o.N, 10)+".json", body)
}

// Collect answers every object in every case's folder `out`.
func (f *Folder) Collect(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.home(), "*", "out", "*"))
	must(t, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		must(t, err)
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		receipt := fmt.Appendf(nil, `{"receipt":"%x"}`, sha256.Sum256(body))
		write(t, filepath.Join(filepath.Dir(file), "..", "in"), "receipt-"+name+".json", receipt)
	}
}

// Held is what lies in the case's folder `out`.
func (f *Folder) Held(t *testing.T, o transport.Object) []byte {
	t.Helper()
	body, err := os.ReadFile(f.name(o))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	must(t, err)
	return body
}

// Forge puts other bytes where the object goes, as whoever had the medium before can: it is
// the one refusal that there is on a medium.
func (f *Folder) Forge(t *testing.T, o transport.Object, _ int, _ string) (stop func()) {
	t.Helper()
	write(t, f.folder(o.Case, "out"), filepath.Base(f.name(o)), []byte("other bytes"))
	return func() { must(t, os.Remove(f.name(o))) }
}

// name is where an object of the terminal's lies.
func (f *Folder) name(o transport.Object) string {
	name := o.Kind + "-" + strconv.FormatInt(o.N, 10) + ".json"
	if o.Kind == "backup" {
		name = o.Kind + "-" + strconv.FormatInt(o.N, 10) + ".jsonl.zst.age"
	}
	return filepath.Join(f.folder(o.Case, "out"), name)
}

// Revealed is the preimage in the case's folder `out`.
func (f *Folder) Revealed(t *testing.T, caseID string) []byte {
	t.Helper()
	return f.Held(t, transport.Object{Case: caseID, Kind: "tombstone", N: 1})
}
