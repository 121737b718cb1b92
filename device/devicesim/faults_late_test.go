package devicesim

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// dated notes when the first thing was written to it.
type dated struct {
	io.Reader
	first time.Time
}

func (d *dated) Write(b []byte) (int, error) {
	if d.first.IsZero() {
		d.first = time.Now()
	}
	return len(b), nil
}

// TestLateIsLate: with late-ack nothing is heard of a command for 400 ms, in every protocol.
func TestLateIsLate(t *testing.T) {
	for protocol, take := range map[string]func(s *Sim, line *dated) error{
		"pedlink": func(s *Sim, line *dated) error {
			return newEngine(s, line).take(frame{typ: tCMD, body: []byte{0, 2}}.bytes())
		},
		"mpos": func(s *Sim, line *dated) error {
			return newMposEngine(s, line).take(mposFrame(mposTamper, 5, nil))
		},
		"ccid": func(s *Sim, line *dated) error {
			return newCCID(s, line).take(frameOf(ccidCommand{kind: ccidSlotStatus, seq: 1}))
		},
	} {
		t.Run(protocol, func(t *testing.T) {
			path, _ := newReader(t)
			s := start(t, path, Options{})
			must(t, s.Unplug()) // the bubble's clock stands while a real line is read
			must(t, s.Fault(faultOf(t, "late-ack=1")))
			synctest.Test(t, func(t *testing.T) {
				began, line := time.Now(), &dated{}
				must(t, take(s, line))
				if late := line.first.Sub(began); late != lateAck {
					t.Errorf("the first word came after %v", late)
				}
			})
		})
	}
}
