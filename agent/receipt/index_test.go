package receipt

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"unbindd/agent/envelope"
)

func listed() Index {
	return Index{
		At: 1795392601, Case: "C-2026-000001", State: "acknowledged", Terminal: "T-30041877", V: 1,
		Files: []File{
			{Digest: envelope.DigestOf([]byte("b")), Name: "answers/1.json", Size: 1},
			{Digest: envelope.DigestOf([]byte("a")), Name: "certificate.json", Size: 1},
		},
		Log: &Moment{Origin: "unbind-desk/demo", Root: bytes.Repeat([]byte{7}, 32), Size: 14},
	}
}

// The example of docs/wire; UPDATE_WIRE writes it anew.
func TestWireIndex(t *testing.T) {
	e, err := listed().Seal(key("receipt-1"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"index.json": append(e.Encode(), '\n'), "index.payload.json": append(bytes.Clone(e.Payload), '\n')} {
		path := filepath.Join("..", "..", "docs", "wire", name)
		if os.Getenv("UPDATE_WIRE") != "" {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != string(text) {
			t.Errorf("%s is not what the code writes: %v", name, err)
		}
	}
	if got, err := OpenIndex(e, believed(t)); err != nil || len(got.Files) != 2 || got.Log.Size != 14 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// Nothing is an index but what a receipt key signed, each file once and in order.
func TestAnIndexIsTheDesks(t *testing.T) {
	for name, c := range map[string]struct {
		kind, by string
		bend     func(*Index)
		want     string
	}{
		"good":             {IndexKind, "receipt-1", func(*Index) {}, ""},
		"without a log":    {IndexKind, "receipt-1", func(x *Index) { x.Log = nil }, ""},
		"by an approver":   {IndexKind, "ops-1", func(*Index) {}, "E24:signer"},
		"by nobody known":  {IndexKind, "stranger", func(*Index) {}, "E24:signer"},
		"called a receipt": {Kind, "receipt-1", func(*Index) {}, "E24:signer"},
		"version 2":        {IndexKind, "receipt-1", func(x *Index) { x.V = 2 }, "E24:v"},
		"no file":          {IndexKind, "receipt-1", func(x *Index) { x.Files = []File{} }, "E24:form"},
		"a file twice":     {IndexKind, "receipt-1", func(x *Index) { x.Files[1] = x.Files[0] }, "E24:form"},
		"out of order":     {IndexKind, "receipt-1", func(x *Index) { slices.Reverse(x.Files) }, "E24:form"},
	} {
		x := listed()
		c.bend(&x)
		e, err := envelope.Seal(envelope.Type(c.kind), x, key(c.by))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenIndex(e, believed(t)); envelope.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	x := listed()
	slices.Reverse(x.Files)
	if _, err := x.Seal(key("receipt-1")); err != nil {
		t.Errorf("the order in which files come matters: %v", err)
	}
	x.Files = append(x.Files, x.Files[0])
	if _, err := x.Seal(key("receipt-1")); envelope.CodeOf(err) != "E24:form" {
		t.Errorf("a file is listed twice: %v", err)
	}
	x.Files = make([]File, 8000)
	for i := range x.Files {
		x.Files[i] = File{Digest: digest, Name: envelope.ID("answers/" + string(rune('a'+i/676)) + string(rune('a'+i/26%26)) + string(rune('a'+i%26)))}
	}
	if _, err := x.Seal(key("receipt-1")); envelope.CodeOf(err) != "E01:bytes" {
		t.Errorf("an index that nobody reads is signed: %v", err)
	}
}

// What is not as it was listed is named, and nothing else.
func TestCompareNamesWhatDiffers(t *testing.T) {
	x := listed()
	for name, c := range map[string]struct {
		there []File
		want  Differs
	}{
		"the same":     {x.Files, Differs{}},
		"one fewer":    {x.Files[:1], Differs{Missing: []string{"certificate.json"}}},
		"one more":     {append(slices.Clone(x.Files), File{Name: "validation.json"}), Differs{Added: []string{"validation.json"}}},
		"other bytes":  {[]File{x.Files[0], {Digest: digest, Name: "certificate.json", Size: 1}}, Differs{Changed: []string{"certificate.json"}}},
		"another size": {[]File{x.Files[0], {Digest: x.Files[1].Digest, Name: "certificate.json", Size: 2}}, Differs{Changed: []string{"certificate.json"}}},
		"none":         {nil, Differs{Missing: []string{"answers/1.json", "certificate.json"}}},
	} {
		got := x.Compare(c.there)
		if !slices.Equal(got.Missing, c.want.Missing) || !slices.Equal(got.Changed, c.want.Changed) || !slices.Equal(got.Added, c.want.Added) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
