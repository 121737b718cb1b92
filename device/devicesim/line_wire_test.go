package devicesim

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// sleepy is a clock that only sleeping moves, and every sleep lasts too long.
type sleepy struct {
	now  time.Time
	over time.Duration
}

func (s *sleepy) sleep(d time.Duration) {
	if d > 0 {
		s.now = s.now.Add(d + s.over)
	}
}

// TestPaceKeepsTheSpeed counts bytes: at no time more than the line can have carried, and at the end of a sleep
// none less, however much each sleep lasts too long.
func TestPaceKeepsTheSpeed(t *testing.T) {
	for _, baud := range []int{9600, 115200, 921600} {
		for _, over := range []time.Duration{0, 70 * time.Microsecond, 1300 * time.Microsecond} {
			clock := &sleepy{now: time.Unix(1_800_000_000, 0), over: over}
			p := &pace{baud: baud, now: func() time.Time { return clock.now }, sleep: clock.sleep}
			began, total := clock.now, 0
			for _, n := range []int{1, 300, 6, 13, 4107, 300, 300, 1, 20_000} {
				last := 0
				must(t, p.carry(n, began, func(upTo int) error {
					total += upTo - last
					last = upTo
					could := int(clock.now.Sub(began).Nanoseconds() * int64(baud) / 10 / int64(time.Second))
					if total > could {
						t.Fatalf("%d baud: %d bytes where %d were possible", baud, total, could)
					}
					if missing := could - total; upTo < n && missing > 0 {
						t.Fatalf("%d baud, sleeps %v too long: %d bytes are late", baud, over, missing)
					}
					return nil
				}))
			}
			if late := clock.now.Sub(began) - time.Duration(total)*10*time.Second/time.Duration(baud); late > over+time.Microsecond {
				t.Errorf("%d baud: %d bytes took %v too long", baud, total, late)
			}
		}
	}
}

func TestPaceBeginsAnewAfterAPause(t *testing.T) {
	clock := &sleepy{now: time.Unix(1_800_000_000, 0)}
	p := &pace{baud: 9600, now: func() time.Time { return clock.now }, sleep: clock.sleep}
	must(t, p.carry(96, clock.now, func(int) error { return nil }))
	clock.now = clock.now.Add(time.Hour)
	began := clock.now
	must(t, p.carry(96, began, func(int) error { return nil }))
	if took := clock.now.Sub(began); took != 100*time.Millisecond {
		t.Errorf("96 bytes after a pause took %v of the clock", took)
	}
}

// cable is a wire whose other end the test holds, in time that runs only when everybody waits.
func cable(t *testing.T, baud int, text string) (*wire, net.Conn) {
	w, far, _ := countedCable(t, baud, text)
	return w, far
}

// countedCable tells how often its noise struck.
func countedCable(t *testing.T, baud int, text string) (*wire, net.Conn, *tally) {
	near, far := net.Pipe()
	var n atomic.Pointer[noise]
	var struck tally
	n.Store(newNoise(noiseOf(t, text), spanPedlink, &struck))
	w := newWire(near, baud, &n, false)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, far, &struck
}

// TestBothWaysAtOnce: a second of bytes each way takes a second, not two.
func TestBothWaysAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, far := cable(t, 9600, "none")
		began := time.Now()
		bytesOut, bytesIn := make([]byte, 960), make([]byte, 960)
		done := make(chan error, 3)
		go func() { _, err := w.Write(bytesOut); done <- err }()
		go func() { _, err := far.Write(bytesIn); done <- err }()
		go func() { _, err := io.ReadFull(far, make([]byte, 960)); done <- err }()
		_, err := io.ReadFull(w, make([]byte, 960))
		must(t, err)
		for range 3 {
			must(t, <-done)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("960 bytes each way took %v of the clock at 9600 baud", took)
		}
		must(t, w.Close())
	})
}

// TestWriterGoesOnAheadOfTheLine: the next frame may be made while the last bytes of this one leave.
func TestWriterGoesOnAheadOfTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, far := cable(t, 9600, "none")
		go io.Copy(io.Discard, far) // until the line is closed
		began := time.Now()
		for range 3 {
			_, err := w.Write(make([]byte, 320))
			must(t, err)
		}
		if took := time.Since(began); took >= time.Second || took < 960*time.Millisecond {
			t.Errorf("three frames of a third of a second were taken after %v", took)
		}
		must(t, w.Close())
	})
}

func TestGlueSplitAndEcho(t *testing.T) {
	one, two := frame{typ: tACK, seq: 1}.bytes(), frame{typ: tACK, seq: 2}.bytes()
	read := func(t *testing.T, c io.Reader) []byte {
		b := make([]byte, 100)
		n, err := c.Read(b)
		must(t, err)
		return b[:n]
	}
	write := func(t *testing.T, w io.Writer, b []byte) {
		_, err := w.Write(b)
		must(t, err)
	}
	synctest.Test(t, func(t *testing.T) {
		w, far, struck := countedCable(t, 0, "glue=1x")
		write(t, w, one)
		go w.Write(two) // until it is read
		if got := read(t, far); !bytes.Equal(got, append(bytes.Clone(one), two...)) || struck.told()[noiseGlue] != 1 {
			t.Errorf("glued: %x, struck %v", got, struck.told())
		}
		must(t, w.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		w, far, struck := countedCable(t, 0, "glue=1x")
		write(t, w, one)
		if got := read(t, far); !bytes.Equal(got, one) || len(struck.told()) > 0 {
			t.Errorf("glued to nothing: %x, struck %v", got, struck.told())
		}
		must(t, w.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		w, far := cable(t, 0, "split=1x")
		go w.Write(one) // until it is read
		if got := read(t, far); len(got) == len(one) {
			t.Error("not split")
		}
		must(t, w.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		w, far := cable(t, 0, "echo=1x")
		go far.Write(one) // until it is read
		if got := read(t, w); !bytes.Equal(got, one) {
			t.Errorf("came: %x", got)
		}
		if got := read(t, far); !bytes.Equal(got, one) {
			t.Errorf("echo: %x", got)
		}
		must(t, w.Close())
	})
}
