package store

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"unbindd/agent/envelope"
)

// samples are records of every quick kind, with everything they may leave out.
func samples() []any {
	d := envelope.DigestOf([]byte("d"))
	return []any{
		Case{ID: "C-1", Terminal: "T-1", State: "erased", Since: 17, Command: d, Binding: d, Draft: []byte("draft"), Version: 3},
		Case{ID: "C-1", Terminal: "T-1", State: "", Since: -1, Command: d, Binding: d, Draft: []byte{}, Campaign: d},
		Case{ID: "C-1", Terminal: "T-1", State: "a<b", Command: d, Binding: d, Draft: nil},
		Object{N: 1, Digest: d, Body: []byte(`{"a":1}`), Received: 5, Leaf: 1 << 40},
		Object{Digest: d},
		Binding{Digest: d, Terminal: "T-1", Epoch: 2, Envelope: []byte("e"), Nonce: "n"},
		Client{SPKI: d, Serial: "40aa", Terminal: "T-1", Binding: d},
		Terminal{ID: "T-1", Epoch: 1, Binding: d, Nonce: "n", Published: 9, Case: "C-1", Earlier: "C-0"},
		Terminal{ID: "T-1"},
		Entry{At: 4, State: "gone", What: "certificate complete, reader erased"},
		Entry{At: 4, State: "gone", What: `a "b"`},
		int64(0), int64(-5), int64(1 << 60), envelope.ID("C-1"), d,
	}
}

// What the quick way writes is byte for byte what json.Marshal writes: the store of
// an older desk and of this one are one.
func TestQuickWritesWhatJSONWrites(t *testing.T) {
	quick := 0
	for _, v := range samples() {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := written(v); ok {
			quick++
			if !bytes.Equal(got, want) {
				t.Errorf("written %s, want %s", got, want)
			}
		}
	}
	if quick != 13 {
		t.Errorf("%d of them went the quick way", quick)
	}
	for _, v := range []any{Case{ID: "C 1"}, Object{Digest: "x", Body: []byte{}}, envelope.ID(""), envelope.Digest("x")} {
		if text, ok := written(v); ok {
			t.Errorf("%s was written, which is of no class", text)
		}
	}
}

// What the quick way reads, json.Unmarshal reads as the same: it takes nothing else,
// and leaves nothing behind where it does not take it.
func TestQuickReadsWhatJSONReads(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 24))
	for _, v := range samples() {
		switch v := v.(type) {
		case Case:
			readsAs(t, draw, v, v.State != "a<b")
		case Object:
			readsAs(t, draw, v, v.Body != nil)
		case Binding:
			readsAs(t, draw, v, true)
		case Client:
			readsAs(t, draw, v, true)
		case Terminal:
			readsAs(t, draw, v, true)
		case int64:
			readsAs(t, draw, v, true)
		case envelope.ID:
			readsAs(t, draw, v, true)
		case envelope.Digest:
			readsAs(t, draw, v, true)
		}
	}
}

func readsAs[T any](t *testing.T, draw *rand.Rand, v T, quick bool) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got T
	if unread(raw, &got) == quick || quick && !reflect.DeepEqual(got, v) {
		t.Errorf("%s is read as %+v", raw, got)
	}
	letters := []byte("{}[]\",:0129-. \\\n=+Aaz\x00é")
	for range 500 {
		text := bytes.Clone(raw)
		at, c := draw.IntN(len(text)), letters[draw.IntN(len(letters))]
		switch draw.IntN(3) {
		case 0:
			text[at] = c
		case 1:
			text = append(text[:at], text[at+1:]...)
		default:
			text = append(text[:at:at], append([]byte{c}, text[at:]...)...)
		}
		var got, want T
		if unread(text, &got) {
			if !reflect.ValueOf(got).IsZero() {
				t.Fatalf("%s left %+v behind", text, got)
			}
			continue
		}
		if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is read as %+v, by json as %+v (%v)", text, got, want, err)
		}
	}
}

// A case is read without its draft, whichever way.
func TestOutlineIsTheCaseWithoutItsDraft(t *testing.T) {
	for _, v := range samples() {
		c, ok := v.(Case)
		if !ok {
			continue
		}
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var o outline
		if err := read(inCases, raw, &o); err != nil {
			t.Fatal(err)
		}
		c.Draft, o.Draft = nil, nil
		if !reflect.DeepEqual(Case(o), c) {
			t.Errorf("%s is read as %+v", raw, o)
		}
	}
}
