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

// comes reads n bytes and returns them with the time they took.
func comes(t *testing.T, r io.Reader, n int) ([]byte, time.Duration) {
	t.Helper()
	began := time.Now()
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	must(t, err)
	return b, time.Since(began)
}

func writes(t *testing.T, w io.Writer, b []byte) {
	t.Helper()
	_, err := w.Write(b)
	must(t, err)
}

// TestHalfAFrameIsGivenUp: a line with noise holds half a frame no longer than a reader does.
func TestHalfAFrameIsGivenUp(t *testing.T) {
	half := frame{typ: tCMD, body: make([]byte, 300)}.bytes()[:20]
	for name, baud := range map[string]int{"as fast as it goes": 0, "at a speed": 115200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, far := cable(t, baud, "flip=0")
				go far.Write(half) // until it is read
				if got, took := comes(t, w, len(half)); !bytes.Equal(got, half) || took < gapTime || took > 2*gapTime {
					t.Errorf("in: %x after %v", got, took)
				}
				go w.Write(half)
				if got, took := comes(t, far, len(half)); !bytes.Equal(got, half) || took < gapTime || took > 2*gapTime {
					t.Errorf("out: %x after %v", got, took)
				}
				must(t, w.Close())
			})
		})
	}
}

// TestRestOfAFrameComesInTime: what comes before the silence ends is one frame with what was there.
func TestRestOfAFrameComesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, far, struck := countedCable(t, 0, "double-frame=1x")
		one := frame{typ: tCMD, body: make([]byte, 300)}.bytes()
		go func() {
			far.Write(one[:20])
			time.Sleep(gapTime - time.Millisecond) // of the bubble's clock
			far.Write(one[20:])
		}()
		if got, _ := comes(t, w, 2*len(one)); !bytes.Equal(got[:len(one)], one) || struck.told()[noiseDouble] != 1 {
			t.Error("it is not one frame")
		}
		must(t, w.Close())
	})
}

// TestHalfAFrameMeetsTheNextNoise: changing or ending the noise in the middle of a frame loses nothing.
func TestHalfAFrameMeetsTheNextNoise(t *testing.T) {
	one := frame{typ: tCMD, body: []byte("0123456789")}.bytes()
	for next, want := range map[string][]byte{"none": one, "double-frame=1x": bytes.Repeat(one, 2)} {
		t.Run(next, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				var n atomic.Pointer[noise]
				set := func(text string) { n.Store(newNoise(noiseOf(t, text), spanPedlink, nil)) }
				set("flip=0")
				w := newWire(near, 0, &n, false)
				for _, way := range []struct {
					from io.Writer
					to   io.Reader
				}{{far, w}, {w, far}} {
					set("flip=0")
					got := make(chan []byte)
					go func() { b, _ := comes(t, way.to, len(want)); got <- b }()
					writes(t, way.from, one[:8])
					synctest.Wait()
					set(next)
					writes(t, way.from, one[8:])
					if b := <-got; !bytes.Equal(b, want) {
						t.Errorf("came %x", b)
					}
				}
				must(t, w.Close())
			})
		})
	}
}

// TestHalfAFrameGoesWithThePlug: what was on its way when the reader was unplugged does not come before what is sent
// when it is on the line again.
func TestHalfAFrameGoesWithThePlug(t *testing.T) {
	path, _ := newReader(t)
	s := start(t, path, Options{Line: noiseOf(t, "flip=0")})
	h := newHost(t, s)
	h.write(frame{typ: tCMD, body: make([]byte, 300)}.bytes()[:20])
	must(t, s.Unplug())
	must(t, s.Plug())
	h = newHost(t, s) // resets
	h.write(h.seal(opInfo, nil))
	if st, _ := h.open(h.answer()); st != stOK {
		t.Errorf("status %04X", st)
	}
}

// TestEchoIsNoFrameOfTheReader: what the reader's own frames suffer does not depend on when an echo came between them.
func TestEchoIsNoFrameOfTheReader(t *testing.T) {
	one, two := frame{typ: tACK, seq: 1}.bytes(), frame{typ: tACK, seq: 2}.bytes()
	synctest.Test(t, func(t *testing.T) {
		w, far := cable(t, 0, "echo=1x,double-frame=1x,seed=3")
		go far.Write(one) // until it is read
		comes(t, w, 2*len(one))
		if got, _ := comes(t, far, len(one)); !bytes.Equal(got, one) {
			t.Errorf("echo: %x", got)
		}
		go w.Write(two)
		if got, _ := comes(t, far, 2*len(two)); !bytes.Equal(got, append(bytes.Clone(two), two...)) {
			t.Errorf("the reader's frame: %x", got)
		}
		must(t, w.Close())
	})
}
