package dossier

import (
	"bytes"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/envelope"
)

// memory is a case in memory.
type memory map[string][]byte

func (m memory) Open(name string) (io.ReadCloser, error) {
	if m[name] == nil {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(m[name])), nil
}

func (m memory) List(folder string) (names []string, err error) {
	for name := range m {
		if strings.HasPrefix(name, folder+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func TestNothingDoesNotVerify(t *testing.T) {
	results, ok := Verify(memory{}, Options{})
	if ok {
		t.Fatal("an empty folder verifies")
	}
	if len(results) != 22 || results[0].Status != Failed {
		t.Fatalf("the results are %+v", results)
	}
}

func TestNames(t *testing.T) {
	for want, c := range map[string]struct {
		kind   string
		n      int64
		counts bool
	}{
		"manifest.json":                         {"manifest", 3, true},
		"superseded/manifest-1.json":            {"manifest", 1, false},
		"answers/4.json":                        {"answer", 4, false},
		"orders/amend-2.json":                   {"amend", 2, false},
		"receipts/backup.json":                  {"receipt-backup", 1, true},
		"superseded/receipt-certificate-1.json": {"receipt-certificate", 1, false},
	} {
		if got := NameOf(c.kind, c.n, c.counts); got != want {
			t.Errorf("%s %d is called %s, want %s", c.kind, c.n, got, want)
		}
	}
	files, err := NewFiles([]string{"/a/certificate.json", "/a/receipts/certificate.json", "b/answers/1.json"})
	if err != nil || files["certificate.json"] == "" || files["receipts/certificate.json"] == "" || files["answers/1.json"] == "" {
		t.Errorf("the files are %v, %v", files, err)
	}
	if _, err := NewFiles([]string{"a/x.json", "b/x.json"}); err == nil {
		t.Error("two files of one name pass")
	}
}

// No folder of rubbish verifies or brings the verifier down.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`[]`), []byte(`{}`), "sha256:"+strings.Repeat("0", 64))
	f.Add([]byte(`[{"payload":"","payloadType":"","signatures":[]}]`), []byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[]}`), "x")
	f.Add([]byte(`{"r":"","v":1}`), []byte(`{"eracnt":1,"rc":"","scope":[],"sig":"","sn":"P"}`), "")
	f.Fuzz(func(t *testing.T, bundles, other []byte, anchor string) {
		m := memory{Trust: bundles, Anchor: []byte(anchor)}
		for _, name := range []string{
			Binding, EnrolTicket, Profile, Command, Papers, Campaign, Manifest, BackupReceipt, Ticket, Certificate, CertificateReceipt, Tombstone,
			"answers/1.json", "orders/amend-1.json", "keys/x.pem", ProofOf(Command), Index,
		} {
			m[name] = other
		}
		if _, ok := Verify(m, Options{Anchor: envelope.Digest(anchor)}); ok {
			t.Fatal("rubbish verifies")
		}
	})
}
