package envelope

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
)

// every has a member of each kind that a payload of ours has, out of order.
type every struct {
	Zulu   string             `json:"zulu"`
	Alpha  int64              `json:"alpha"`
	Small  int8               `json:"small,omitempty"`
	Yes    bool               `json:"yes"`
	May    bool               `json:"may,omitempty"`
	ID     ID                 `json:"id"`
	Other  ID                 `json:"other,omitempty"`
	Digest Digest             `json:"digest,omitempty"`
	Bytes  []byte             `json:"bytes"`
	Tail   []byte             `json:"tail,omitempty"`
	List   []inner            `json:"list"`
	More   []string           `json:"more,omitempty"`
	Keys   map[KeyID]inner    `json:"keys"`
	Names  map[string][]int64 `json:"names,omitempty"`
	Far    *inner             `json:"far,omitempty"`
	There  *ID                `json:"there,omitempty"`
	Near   inner              `json:"near,omitempty"` // a struct is never left out
	Plain  int
}

type inner struct {
	A string `json:"a"`
	N int64  `json:"n,omitempty"`
}

// inFull is what Decode does without its quick ways.
func inFull(payload []byte, v any) bool {
	if _, err := scan(payload); err != nil || strict(payload, v) != nil {
		return false
	}
	plain, err := json.Marshal(v)
	if err != nil {
		return false
	}
	again, err := inOrder(plain)
	return err == nil && bytes.Equal(again, payload)
}

// What is decoded in one pass is what the long way decodes, and nothing that it
// refuses: a member left out, one too many, one that is empty and should not be there.
func TestReadInFormIsWhatDecodeReads(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 25))
	var seeds []string
	there := ID("there")
	for _, v := range []every{
		{ID: "i", Bytes: []byte{}, List: []inner{}, Keys: map[KeyID]inner{}},
		{
			Zulu: "z", Alpha: -7, Small: 127, Yes: true, May: true, ID: "i", Other: "o", Digest: DigestOf(nil), Bytes: []byte{1},
			Tail: []byte{2, 3}, List: []inner{{"x", 1}, {}}, More: []string{"", "m"}, Far: &inner{"f", 0}, There: &there, Near: inner{"n", 2}, Plain: 3,
			Keys:  map[KeyID]inner{"ed25519:0123456789abcdef": {"k", 1}, "ed25519:0123456789abcdee": {}},
			Names: map[string][]int64{"": {}, "b": {1, 2}},
		},
	} {
		text, err := Canonical(v)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, string(text))
	}
	for _, name := range []string{`"alpha":0,`, `"list":[],`, `"near":{"a":""},`, `"bytes":"",`} { // gone, or twice
		seeds = append(seeds, string(bytes.Replace([]byte(seeds[0]), []byte(name), nil, 1)))
		seeds = append(seeds, string(bytes.Replace([]byte(seeds[0]), []byte(name), []byte(name+name), 1)))
	}
	for _, name := range []string{`"may":false,`, `"more":[],`, `"small":0,`, `"other":"",`, `"tail":"",`, `"names":{},`, `"mean":1,`} { // too many
		seeds = append(seeds, string(bytes.Replace([]byte(seeds[0]), []byte(`"near"`), []byte(name+`"near"`), 1)))
	}
	letters := []byte(`{}[]",:0123456789-.etrufalsn \<=+abmoz` + "\n\x7fé")
	taken := 0
	for i := range 20_000 {
		text := []byte(seeds[i%len(seeds)])
		if i >= len(seeds) {
			text = mutant(draw, seeds, letters)
		}
		var quick, long every
		if !readInForm(text, &quick) {
			if !reflect.ValueOf(quick).IsZero() {
				t.Fatalf("%s left %+v behind", text, quick)
			}
			continue
		}
		taken++
		if !inFull(text, &long) || !reflect.DeepEqual(quick, long) {
			t.Fatalf("%s is decoded as %+v, the long way as %+v", text, quick, long)
		}
	}
	if taken < 300 {
		t.Fatalf("only %d were decoded: the test tries nothing", taken)
	}
	for i, seed := range seeds[:2] {
		var v every
		if !readInForm([]byte(seed), &v) {
			t.Errorf("seed %d is not read", i)
		}
	}
}

// What has its own way of being read, or is no plain record, goes the long way.
func TestWhatHasNoPlan(t *testing.T) {
	type itself struct {
		Next []itself `json:"next"`
	}
	for _, v := range []any{
		&struct{ A json.RawMessage }{}, &struct{ A any }{}, &struct{ A [2]int }{}, &struct{ A float64 }{}, &struct{ A uint8 }{},
		&struct{ inner }{}, &struct{ a int }{}, &itself{}, &struct {
			A int `json:"a,string"`
		}{}, &struct {
			A int `json:"-"`
		}{}, &struct {
			A int `json:"a,omitzero"`
		}{}, &struct {
			A *int
			B int `json:"A"`
		}{}, &map[int]string{}, &inner{A: "not empty"},
	} {
		if readInForm([]byte(`{}`), v) {
			t.Errorf("%T was read", v)
		}
	}
	if readInForm([]byte(`{"a":""}`), inner{}) || readInForm([]byte(`{"a":""}`), (*inner)(nil)) {
		t.Error("nothing was read into")
	}
}
