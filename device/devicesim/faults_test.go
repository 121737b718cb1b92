package devicesim

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func faultOf(t testing.TB, text string) Fault {
	t.Helper()
	f, err := ParseFault(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFaultsOfTheConversation plays the host frame by frame against each fault of the link.
func TestFaultsOfTheConversation(t *testing.T) {
	types := func(h *host, n int) (seen []frameType) {
		for range n {
			seen = append(seen, h.read().typ)
		}
		return seen
	}
	for fault, ok := range map[string]func(h *host, s *Sim) bool{
		"no-ack=1": func(h *host, _ *Sim) bool { return slices.Equal(types(h, 1), []frameType{tRSP}) },
		"late-ack=1": func(h *host, _ *Sim) bool {
			return slices.Equal(types(h, 2), []frameType{tACK, tRSP})
		},
		"answers-twice=1": func(h *host, _ *Sim) bool {
			a, b, c := h.read(), h.read(), h.read()
			return a.typ == tACK && b.typ == tRSP && bytes.Equal(b.bytes(), c.bytes())
		},
		"wrong-seq=1": func(h *host, _ *Sim) bool {
			_, wrong, right := h.read(), h.read(), h.read()
			return wrong.typ == tRSP && right.typ == tRSP && wrong.seq != right.seq && right.seq == 0
		},
		"nak=1": func(h *host, _ *Sim) bool { return slices.Equal(types(h, 1), []frameType{tNAK}) },
		"busy-forever=1": func(h *host, _ *Sim) bool {
			ack, busy := h.read(), h.read()
			return ack.typ == tACK && busy.typ == tBUSY && busy.arg == 0xFFFF
		},
		"reboots=1": func(h *host, s *Sim) bool {
			return slices.Equal(types(h, 2), []frameType{tACK, tRST}) && s.State().BootCount == 2
		},
		"tamper-in-session=1": func(h *host, s *Sim) bool {
			return slices.Equal(types(h, 2), []frameType{tACK, tRSP}) && s.State().Tampered
		},
		"silent-after-ack=1": func(h *host, _ *Sim) bool {
			if h.read().typ != tACK {
				return false
			}
			h.write(h.seal(opInfo, nil))
			return slices.Equal(types(h, 2), []frameType{tACK, tRSP})
		},
	} {
		path, _ := newReader(t)
		s := start(t, path, Options{Faults: []Fault{faultOf(t, fault)}})
		h := newHost(t, s)
		h.write(h.seal(opInfo, nil))
		if !ok(h, s) {
			t.Errorf("%s did something else", fault)
		}
		if left := s.State().Faults; len(left) != 0 {
			t.Errorf("%s is still in force: %v", fault, left)
		}
		if struck := s.State().Struck; len(struck) != 1 || struck[faultOf(t, fault).Name] != 1 {
			t.Errorf("%s struck %v", fault, struck)
		}
	}
}

func TestCountedFaults(t *testing.T) {
	f := faults{"a": "2", "b": "", "c": "3"}
	if !f.spend("a") || !f.spend("a") || f.spend("a") || !f.spend("b") || !f.spend("b") || f.spend("d") {
		t.Error("a fault with a number must end after it, one without never")
	}
	if f.due("c") || f.due("c") || !f.due("c") || f.due("c") || !f.due("b") || f.due("b") {
		t.Error("a fault must be due once, the n-th time")
	}
}

// TestForeignReaderStaysOverAPowerCut: who is on the line does not change with the power.
func TestForeignReaderStaysOverAPowerCut(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{Faults: []Fault{faultOf(t, "other-serial-after-replug=PED-9")}})
	if s.State().Serial != in.Serial {
		t.Error("foreign before it was unplugged")
	}
	must(t, s.Unplug())
	must(t, s.Plug())
	must(t, s.Cut())
	s = start(t, path, Options{})
	if got := s.State(); got.Serial != "PED-9" {
		t.Errorf("after the power cut it is %s", got.Serial)
	}
	must(t, s.ClearFaults())
	must(t, s.Cut())
	if got := start(t, path, Options{}).State().Serial; got != in.Serial {
		t.Errorf("cleared, it is %s", got)
	}
}

// TestAnotherRecordIsSound: what replays-record shows is the reader's own signature for something else.
func TestAnotherRecordIsSound(t *testing.T) {
	path, in := newReader(t)
	s := start(t, path, Options{Faults: []Fault{faultOf(t, "replays-record")}})
	true1 := done{Order: []byte("a"), Ticket: []byte("t1"), Record: lengthPrefixed([]byte(recordLabel), []byte(in.Serial),
		[]byte{0, 0, 0, 1}, make([]byte, 32), make([]byte, 16), []byte{0, 0x10, 0})}
	forged := s.another(true1)
	if bytes.Equal(forged.Record, true1.Record) || !ed25519.Verify(in.Pub, forged.Record, forged.Signature) {
		t.Error("the record of another erase must be signed, and differ")
	}
	old := done{Ticket: []byte("t0"), Record: []byte("old")}
	s.mem.st.Done = []done{old, true1}
	if got := s.another(true1); !bytes.Equal(got.Record, old.Record) {
		t.Error("a reader that has an old record must show that")
	}
}

// TestEveryWordIsDescribed: docs/READERSIM.md has one row for every fault and for every control word of the simulator.
func TestEveryWordIsDescribed(t *testing.T) {
	b, err := os.ReadFile("../../docs/READERSIM.md")
	must(t, err)
	page := strings.Split(string(b), "\n## ") // the first section is 1
	for _, c := range []struct {
		words   []string
		section int
	}{{LineFaultNames(), 2}, {FaultNames(), 3}, {slices.Collect(maps.Keys(verbs)), 4}} {
		rows := rowsOf(page[c.section])
		for _, word := range c.words {
			if rows[word] != 1 {
				t.Errorf("section %d of docs/READERSIM.md has %d rows of %s", c.section, rows[word], word)
			}
		}
	}
	for _, c := range counters {
		if !strings.Contains(page[5], "`"+string(c)+"`") {
			t.Errorf("section 5 of docs/READERSIM.md says nothing of %s", c)
		}
	}
}

// rowsOf counts the rows of tables whose first cell names a word; what follows it is its value.
func rowsOf(section string) map[string]int {
	rows := map[string]int{}
	for line := range strings.Lines(section) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		named := map[string]bool{}
		for name := range strings.SplitSeq(cell, ", ") {
			named[strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("`[= ", r) })[0]] = true
		}
		for word := range named {
			rows[word]++
		}
	}
	return rows
}
