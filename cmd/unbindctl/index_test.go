package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
)

// An index holds when every file that the desk listed lies beside it as it was, and what
// verify was given is among them; what is not so is named.
func TestAnIndexHoldsTheFiles(t *testing.T) {
	good := func(x *receipt.Index) {}
	for name, c := range map[string]struct {
		by    string
		bend  func(*receipt.Index)
		spoil func(dir string) error
		want  string
	}{
		"good":               {"receipt-1", good, nil, ""},
		"by an approver":     {"ops-1", good, nil, "E24:signer"},
		"of another case":    {"receipt-1", func(x *receipt.Index) { x.Case = "C-9" }, nil, "it is of another case"},
		"of another":         {"receipt-1", func(x *receipt.Index) { x.Terminal = "T-9" }, nil, "it is of another case"},
		"a file is gone":     {"receipt-1", good, func(dir string) error { return os.Remove(filepath.Join(dir, "answer.json")) }, "not there: answer.json"},
		"a file is another":  {"receipt-1", good, func(dir string) error { return os.WriteFile(filepath.Join(dir, "answer.json"), nil, 0o600) }, "with other bytes: answer.json"},
		"a file leads out":   {"receipt-1", func(x *receipt.Index) { x.Files[0].Name = "../x" }, nil, "not there: ../x"},
		"given, not listed":  {"receipt-1", func(x *receipt.Index) { x.Files = x.Files[1:] }, nil, "given and not listed: "},
		"given from a place": {"receipt-1", good, func(dir string) error { return os.WriteFile(filepath.Join(dir, "binding.json"), []byte("[]"), 0o600) }, "with other bytes: binding.json; given and not listed: "},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			f, dir := newFixture(), t.TempDir()
			if _, err := f.write(dir); err != nil {
				t.Fatal(err)
			}
			x := receipt.Index{At: 1_700_000_200, Case: "C-2026-000123", State: "acknowledged", Terminal: "T-0001", V: 1}
			if err := os.WriteFile(filepath.Join(dir, "answer.json"), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"binding.json", "answer.json", "certificate.json", "trust.json"} {
				one, err := summed(filepath.Join(dir, name), envelope.ID(name))
				if err != nil {
					t.Fatal(err)
				}
				x.Files = append(x.Files, one)
			}
			c.bend(&x)
			e, err := x.Seal(signers(c.by)[0])
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, "index.json"), e.Encode(), 0o600)
			}
			if err == nil && c.spoil != nil {
				err = c.spoil(dir)
			}
			if err != nil {
				t.Fatal(err)
			}
			d := f.sealed(t)
			at := func(name string) string { return filepath.Join(dir, name) }
			d.index, err = (&tool{}).beside(sources{
				certificates: []string{at("certificate.json")}, trust: at("trust.json"), binding: at("binding.json"), index: at("index.json"),
			})
			if err != nil {
				t.Fatal(err)
			}
			v := examine(d)
			last := v.Checks[len(v.Checks)-1]
			if last.Check != "index" || v.Valid != (c.want == "") || !strings.Contains(last.Code+last.Why, c.want) {
				t.Errorf("%+v, want %q", last, c.want)
			}
			if (v.Index != nil) != v.Valid || v.Valid && (v.Index.Files != 4 || v.Index.At != "2023-11-14T22:16:40Z" || v.Index.State != "acknowledged") {
				t.Errorf("what the index says: %+v", v.Index)
			}
			if said := lastWords(v.Index).en; strings.Contains(said, "commits to the number") == v.Valid {
				t.Errorf("the last line says %q", said)
			}
		})
	}
}
