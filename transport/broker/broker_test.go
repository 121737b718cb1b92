package broker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// packet is an MQTT packet of so many bytes.
func packet(size int) []byte {
	p := []byte{0x30}
	for n := size; ; {
		digit := byte(n & 0x7f)
		if n >>= 7; n > 0 {
			p = append(p, digit|0x80)
			continue
		}
		p = append(p, digit)
		break
	}
	return append(p, make([]byte, size)...)
}

// A broker may announce 256 MiB; the connection ends before anything is set aside.
func TestAPacketThatIsTooLongIsNotRead(t *testing.T) {
	sound := append(append(append(packet(0), packet(100)...), packet(127)...), packet(128)...)
	for name, c := range map[string]struct {
		sent []byte
		ok   bool
	}{
		"sound": {sound, true}, "longest": {append(bytes.Clone(sound), packet(1000)...), true},
		"longer": {append(bytes.Clone(sound), packet(1001)...), false}, "huge": {[]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, false},
		"length without end": {[]byte{0x30, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, false},
	} {
		for _, step := range []int{1, 3, 1 << 20} { // whatever pieces it comes in
			ours, theirs := net.Pipe()
			go func() {
				for rest := c.sent; len(rest) > 0; rest = rest[min(step, len(rest)):] {
					if _, err := theirs.Write(rest[:min(step, len(rest))]); err != nil {
						break
					}
				}
				_ = theirs.Close()
			}()
			got, err := io.ReadAll(newBounded(ours, 1000))
			if c.ok && (err != nil || !bytes.Equal(got, c.sent)) {
				t.Errorf("%s in %d: %d bytes, %v", name, step, len(got), err)
			}
			if !c.ok && !errors.Is(err, errTooLong) {
				t.Errorf("%s in %d: %d bytes, %v", name, step, len(got), err)
			}
			_ = ours.Close()
		}
	}
}

func TestPartsComeTogether(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 3000)
	all, err := messages(head{ID: strings.Repeat("a", 2*idSize), Path: "/v1/x"}, body, leastMessage, nil)
	if err != nil || len(all) != (len(body)+overhead-1)/overhead {
		t.Fatalf("%d messages, %v", len(all), err)
	}
	a := newAssembly(1 << 20)
	for i := len(all) - 1; i >= 0; i-- {
		if len(all[i]) > leastMessage {
			t.Errorf("message %d has %d bytes", i, len(all[i]))
		}
		for range 2 { // a message that comes twice counts once
			h, piece, err := parse(all[i])
			if err != nil {
				t.Fatal(err)
			}
			got, whole := a.add("k", h, piece)
			if whole != (i == 0) {
				t.Fatalf("after message %d it is whole: %v", i, whole)
			}
			if whole {
				if !bytes.Equal(got, body) || a.bytes != 0 {
					t.Fatalf("%d bytes came together, %d are still held", len(got), a.bytes)
				}
				break
			}
		}
	}
}

// What never becomes whole is forgotten, and all of it together has a bound.
func TestWhatIsNotWholeTakesNoRoomForEver(t *testing.T) {
	now := time.Now()
	a := newAssembly(2600)
	a.now = func() time.Time { return now }
	for _, key := range []string{"a", "b", "c", "d"} {
		a.add(key, head{ID: key, Part: 1, Parts: 2}, make([]byte, 900))
	}
	const each = 900 + entryCost + 2*partCost + len("a") + len("a a")
	if len(a.open) != 2 || a.bytes != 2*each {
		t.Errorf("%d are open with %d bytes", len(a.open), a.bytes)
	}
	now = now.Add(3 * time.Minute)
	a.add("e", head{ID: "e", Part: 1, Parts: 2}, make([]byte, 900))
	if len(a.open) != 1 || a.bytes != each {
		t.Errorf("later %d are open with %d bytes", len(a.open), a.bytes)
	}
}

func TestTopics(t *testing.T) {
	for topic, want := range map[string]struct {
		terminal string
		open, ok bool
	}{
		"t/pos-1/up": {"pos-1", false, true}, "r/pos-1/up": {"pos-1", true, true}, "t/a%2Fb%2Bc/up": {"a/b+c", false, true},
		"t/pos-1/down": {}, "t//up": {}, "t/a/b/up": {}, "x/pos-1/up": {}, "t/up": {},
	} {
		terminal, open, ok := speaker(topic)
		if ok != want.ok || (ok && (terminal != want.terminal || open != want.open)) {
			t.Errorf("%s: %q, %v, %v", topic, terminal, open, ok)
		}
	}
	if got := BellTopic("a/b+c"); got != "t/a%2Fb%2Bc/bell" {
		t.Error(got)
	}
}

// FuzzMessage reads messages and packets as anybody may send them.
func FuzzMessage(f *testing.F) {
	all, err := messages(head{ID: strings.Repeat("a", 2*idSize), Method: "PUT", Path: "/v1/x", Header: map[string]string{"A": "b"}, Cert: [][]byte{{1}}}, make([]byte, 9000), leastMessage, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range all {
		f.Add(m)
	}
	f.Add(packet(300))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := newBounded(nil, 4096).follow(data); err != nil && !errors.Is(err, errTooLong) {
			t.Error(err)
		}
		h, piece, err := parse(data)
		if err != nil {
			return
		}
		a := newAssembly(4096)
		if body, whole := a.add("k", h, piece); whole != (h.Parts == 1) || (whole && len(body) != len(piece)) {
			t.Errorf("part %d of %d: whole is %v", h.Part, h.Parts, whole)
		}
		if a.bytes > 4096 {
			t.Errorf("%d bytes are held", a.bytes)
		}
		if _, err := chainOf(h.Cert); err == nil && len(h.Cert) == 0 {
			t.Error("nobody was believed")
		}
	})
}
