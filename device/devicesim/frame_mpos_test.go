package devicesim

import (
	"bytes"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// mposPair is a request and its answer as both ends know them.
type mposPair struct {
	name            string
	request, answer []byte
}

// mposGolden reads the conversation that the driver's tests read too, in its order.
func mposGolden(t testing.TB) []mposPair {
	t.Helper()
	text, err := os.ReadFile("../testdata/mpos-golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	var pairs []mposPair
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		raw := unhex(digits)
		if base, isRequest := strings.CutSuffix(name, "-request"); isRequest {
			pairs = append(pairs, mposPair{name: base, request: raw})
			continue
		}
		last := &pairs[len(pairs)-1]
		if name != last.name+"-answer" {
			t.Fatalf("%s does not follow its request", name)
		}
		last.answer = raw
	}
	return pairs
}

func mposNamed(t testing.TB, name string) mposPair {
	t.Helper()
	pairs := mposGolden(t)
	i := slices.IndexFunc(pairs, func(p mposPair) bool { return p.name == name })
	if i < 0 {
		t.Fatalf("there is no example %s", name)
	}
	return pairs[i]
}

func TestMposGoldenFrames(t *testing.T) {
	for _, p := range mposGolden(t) {
		r, what, left := mposScan(p.request)
		want := found
		if p.name == "damaged" {
			want = damaged
		} else if again := mposFrame(r.cmd, r.seq, r.data); !bytes.Equal(again, p.request) {
			t.Errorf("%s is written as %x", p.name, again)
		}
		if what != want || what == found && len(left) > 0 {
			t.Errorf("%s is read as %d, %d bytes left", p.name, what, len(left))
		}
		a, what, _ := mposScan(p.answer)
		if what != found || a.cmd != r.cmd || a.seq != after(r.seq) {
			t.Errorf("%s: its answer is read as %+v", p.name, a)
			continue
		}
		same(t, p.name, mposAnswer(r, mposResult(a.data[:2]), a.data[2:]), p.answer)
	}
}

// The frame that the test suite of a maker published for "delete everything".
func TestMposPublishedFrame(t *testing.T) {
	r, what, _ := mposScan(unhex("0200081a202f1704000100030c"))
	if what != found || r.cmd != mposDelete || r.seq != 0x17 || !bytes.Equal(r.data, []byte{4, 0, 1, 0}) {
		t.Errorf("read as %+v", r)
	}
}

// Every example of the document is one of those that both ends are tested against, and every one of those is in it.
func TestMposDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/WIRE-MPOS.md")
	must(t, err)
	shown := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := hex.DecodeString(digits); err == nil && (strings.HasSuffix(name, "-request") || strings.HasSuffix(name, "-answer")) {
			shown[name] = digits
		}
	}
	for _, p := range mposGolden(t) {
		if shown[p.name+"-request"] != hex.EncodeToString(p.request) || shown[p.name+"-answer"] != hex.EncodeToString(p.answer) {
			t.Errorf("%s is not in the document as it is tested", p.name)
		}
		delete(shown, p.name+"-request")
		delete(shown, p.name+"-answer")
	}
	for name := range shown {
		t.Errorf("%s is in the document and not tested", name)
	}
}

// One changed bit anywhere makes no request out of a request.
func TestMposDamageIsSeen(t *testing.T) {
	for _, p := range mposGolden(t) {
		if p.name == "damaged" {
			continue
		}
		for at := range len(p.request) * 8 {
			b := bytes.Clone(p.request)
			b[at/8] ^= 1 << (at % 8)
			if r, what, _ := mposScan(b); what == found {
				t.Errorf("%s with bit %d turned is taken for %x", p.name, at, r.raw)
			}
		}
	}
}

func TestMposLimits(t *testing.T) {
	longest := mposFrame(mposMAC, 1, make([]byte, mposLongest-mposShortest))
	if _, what, _ := mposScan(longest); what != found {
		t.Error("the longest request is not read")
	}
	for name, b := range map[string][]byte{
		"too long":     mposFrame(mposMAC, 1, make([]byte, mposLongest-mposShortest+1)),
		"too short":    unhex("0200031a202f03150303"),
		"no decimals":  unhex("02000a1a202f17040001000304"),
		"another mark": unhex("020004ff011f1903ff"),
		"number 0":     unhex("020004ff012f0003d6"),
		"no ETX":       unhex("020004ff012f1904c8"),
	} {
		if r, what, left := mposScan(b); what != needMore || len(left) > 0 {
			t.Errorf("%s: read as %d %+v, %d left", name, what, r, len(left))
		}
	}
}

// Whatever is on the line before, a request behind it is found as soon as the noise can be no frame any more.
func TestMposFindsARequestBehindNoise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOf(rapid.ByteRange(3, 255)).Draw(t, "noise")
		want := mposFrame(mposCommand(rapid.Uint16().Draw(t, "cmd")), rapid.ByteRange(1, 255).Draw(t, "seq"),
			rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "data"))
		r, what, left := mposScan(append(bytes.Clone(noise), want...))
		if what != found || !bytes.Equal(r.raw, want) || len(left) > 0 {
			t.Fatalf("found %d %x", what, r.raw)
		}
	})
}

func FuzzMposRequest(f *testing.F) {
	for _, p := range mposGolden(f) {
		f.Add(p.request)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			r, what, left := mposScan(b)
			if what == found && !bytes.Equal(mposFrame(r.cmd, r.seq, r.data), r.raw) {
				t.Fatalf("%x is read as %+v", b, r)
			}
			if what == needMore {
				if len(left) >= mposLongest+mposAround {
					t.Fatalf("%d bytes are kept", len(left))
				}
				return
			}
			if len(left) >= len(b) {
				t.Fatalf("%x is never used up", b)
			}
			fields := &mposFields{b: r.data}
			fields.u8()
			if x := fields.ll(); !fields.bad && len(x) > len(r.data) {
				t.Fatal("a field is longer than its frame")
			}
			b = left
		}
	})
}
