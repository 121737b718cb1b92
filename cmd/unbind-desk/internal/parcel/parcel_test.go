package parcel

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/dossier"
)

// parcelOf is a zip file with a command in it, and what a test adds.
func parcelOf(t testing.TB, add func(z *zip.Writer)) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	put(t, z, &zip.FileHeader{Name: dossier.Command, Method: zip.Deflate}, "{}")
	add(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func put(t testing.TB, z *zip.Writer, h *zip.FileHeader, body string) {
	t.Helper()
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// said adds a member that says how large it would be unpacked.
func said(t testing.TB, z *zip.Writer, name string, size uint64) {
	t.Helper()
	w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: 1, UncompressedSize64: size})
	if err == nil {
		_, err = io.WriteString(w, "x")
	}
	if err != nil {
		t.Fatal(err)
	}
}

func codeOf(text []byte) string {
	_, err := read(bytes.NewReader(text), int64(len(text)))
	return envelope.CodeOf(err)
}

func TestWhatAParcelMayNotHold(t *testing.T) {
	member := func(name string) func(*zip.Writer) {
		return func(z *zip.Writer) { put(t, z, &zip.FileHeader{Name: name, Method: zip.Deflate}, "x") }
	}
	for name, c := range map[string]struct {
		code string
		add  func(*zip.Writer)
	}{
		"nothing more":         {"", func(*zip.Writer) {}},
		"a receipt":            {"", member(dossier.BackupReceipt)},
		"a validation":         {"", member(dossier.Validation)},
		"a way up":             {"E28:name", member("../command.json")},
		"a way up inside":      {"E28:name", member("answers/../../x.json")},
		"the root":             {"E28:name", member("/etc/passwd")},
		"a back slash":         {"E28:name", member(`answers\..\..\x.json`)},
		"a drive":              {"E28:name", member("C:command.json")},
		"a line end":           {"E28:name", member("answers/1\n.json")},
		"a hidden file":        {"E28:name", member(".ssh/authorized_keys")},
		"a folder":             {"E28:name", func(z *zip.Writer) { put(t, z, &zip.FileHeader{Name: "answers/"}, "") }},
		"a deep name":          {"E28:name", member("answers/1/2.json")},
		"an extra member":      {"E02:extra-member", member("setup.exe")},
		"an extra in a folder": {"E02:extra-member", member("keys/run.sh")},
		"a name twice":         {"E02:duplicate-member", member("command.json")},
		"a name in capitals": {"E02:duplicate-member", func(z *zip.Writer) {
			member("answers/a.json")(z)
			member("answers/A.json")(z)
		}},
		"a link": {"E02:member", func(z *zip.Writer) {
			h := &zip.FileHeader{Name: dossier.Manifest}
			h.SetMode(os.ModeSymlink | 0o777)
			put(t, z, h, "/etc/passwd")
		}},
		"a packed backup": {"E02:packed", member(dossier.Sealed)},
		"a huge ratio": {"E01:bytes", func(z *zip.Writer) {
			said(t, z, dossier.Manifest, maxText+1)
		}},
		"many that are large": {"E01:bytes", func(z *zip.Writer) {
			for _, n := range []string{"1", "2", "3", "4", "5"} {
				said(t, z, "answers/"+n+".json", maxText)
			}
		}},
		"a comment": {"E02:comment", func(z *zip.Writer) {
			if err := z.SetComment("hello"); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := codeOf(parcelOf(t, c.add)); got != c.code {
				t.Errorf("refused with %q, want %q", got, c.code)
			}
		})
	}
}

// Whatever the desk names a piece of a case, a parcel may hold it.
func TestEveryPieceOfACaseGoesIntoAParcel(t *testing.T) {
	names := []string{dossier.Anchor, dossier.Trust, dossier.Binding, dossier.EnrolTicket, dossier.Profile, dossier.Campaign, dossier.Sealed, dossier.History}
	for _, kind := range []string{
		"command", "papers", "manifest", "ticket", "certificate", "tombstone", "custody", "validation", "receipt-backup", "receipt-certificate", "receipt-answer", "receipt-tombstone",
		"answer", "amend", "cancel", "close", "acceptance",
	} {
		names = append(names, dossier.NameOf(kind, 1, true), dossier.NameOf(kind, 1, false))
	}
	for _, name := range names {
		for _, n := range []string{name, dossier.ProofOf(name)} {
			if got := codeOf(parcelOf(t, func(z *zip.Writer) {
				if n != dossier.Command {
					put(t, z, &zip.FileHeader{Name: n, Method: zip.Store}, "x")
				}
			})); got != "" {
				t.Errorf("%s is refused with %q", n, got)
			}
		}
	}
}

func TestMembersThatLieOverOneAnother(t *testing.T) {
	text := parcelOf(t, func(z *zip.Writer) {
		put(t, z, &zip.FileHeader{Name: dossier.Sealed, Method: zip.Store}, strings.Repeat("x", 4096))
		put(t, z, &zip.FileHeader{Name: dossier.Manifest, Method: zip.Deflate}, "{}")
	})
	// In the directory every size says that the member reaches over the whole file.
	entry := []byte("PK\x01\x02")
	for at := bytes.Index(text, entry); at >= 0; {
		for _, field := range []int{20, 24} {
			if binary.LittleEndian.Uint16(text[at+10:]) == zip.Store || field == 20 {
				binary.LittleEndian.PutUint32(text[at+field:], 4096)
			}
		}
		next := bytes.Index(text[at+4:], entry)
		if next < 0 {
			break
		}
		at += 4 + next
	}
	if got := codeOf(text); got != "E02:overlap" {
		t.Errorf("refused with %q", got)
	}
}

func TestACutParcelIsNone(t *testing.T) {
	text := parcelOf(t, func(*zip.Writer) {})
	for n := range text {
		if codeOf(text[:n]) != "E02:zip" {
			t.Fatalf("cut at %d it is taken", n)
		}
	}
}

func TestWhatWasPackedIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "case.zip")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(f)
	for name, body := range map[string]string{dossier.Command: "{}", dossier.Sealed: "age", "answers/2.json": "b", "answers/1.json": "a"} {
		if err := w.Add(name, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add("../x", strings.NewReader("")); envelope.CodeOf(err) != "E28:name" {
		t.Fatalf("a way out is packed: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if names, err := p.List("answers"); err != nil || strings.Join(names, " ") != "answers/1.json answers/2.json" {
		t.Errorf("the answers are %v, %v", names, err)
	}
	r, err := p.Open(dossier.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(r); string(body) != "age" || err != nil {
		t.Errorf("the sealed file is %q, %v", body, err)
	}
}

// What is taken holds only plain names of a case, each once, and is no larger
// than it says.
func FuzzRead(f *testing.F) {
	f.Add(parcelOf(f, func(*zip.Writer) {}))
	f.Add(parcelOf(f, func(z *zip.Writer) { put(f, z, &zip.FileHeader{Name: "../x", Method: zip.Deflate}, "x") }))
	f.Add(parcelOf(f, func(z *zip.Writer) { put(f, z, &zip.FileHeader{Name: dossier.Sealed}, "x") }))
	f.Fuzz(func(t *testing.T, text []byte) {
		members, err := read(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			if members != nil || envelope.CodeOf(err) == "" {
				t.Fatalf("refused without a code, or in part: %v", err)
			}
			return
		}
		for name, m := range members {
			if !filepath.IsLocal(name) || strings.ContainsAny(name, "\\:\x00\n") || m.Name != name {
				t.Fatalf("%q is taken", name)
			}
			r, err := m.Open()
			if err != nil {
				continue
			}
			n, _ := io.Copy(io.Discard, r) // a member that is spoilt ends with an error
			if n > int64(m.UncompressedSize64)+1 {
				t.Fatalf("%s has %d bytes and says %d", name, n, m.UncompressedSize64)
			}
		}
	})
}
