package devicesim

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// TestPausesAtASpeed: the speed of the line does not make up for a pause. Three frames of a second each.
func TestPausesAtASpeed(t *testing.T) {
	const line = 3 * time.Second
	for text, want := range map[string]struct{ in, out time.Duration }{
		"none":              {line, line},
		"delay=2x":          {line + 2*lateBy, line + 2*lateBy},
		"stuck=2x":          {line + 2*stuckFor, line},
		"delay=1x,stuck=1x": {line + lateBy + stuckFor, line + lateBy},
		"delay=1x,way=out":  {line, line + lateBy},
		"split=1x,seed=1":   {line, line + pieceGap},
	} {
		t.Run(text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, far := cable(t, 9600, text)
				if took := lastByte(t, far, w); took != want.in {
					t.Errorf("in: the last byte came after %v, not %v", took, want.in)
				}
				must(t, w.Close())
			})
			synctest.Test(t, func(t *testing.T) {
				w, far := cable(t, 9600, text)
				if took := lastByte(t, w, far); took != want.out {
					t.Errorf("out: the last byte came after %v, not %v", took, want.out)
				}
				must(t, w.Close())
			})
		})
	}
}

// lastByte sends three frames of 960 bytes at once and says when the last byte of them came.
func lastByte(t *testing.T, from io.Writer, to io.Reader) time.Duration {
	t.Helper()
	go func() {
		for range 3 {
			if _, err := from.Write(frame{typ: tCMD, body: make([]byte, 949)}.bytes()); err != nil {
				return
			}
		}
	}()
	_, took := comes(t, to, 3*960)
	return took
}
