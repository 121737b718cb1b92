//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"unbindd/transport"
)

func init() { works["courier"] = carryAway }

func parcel(n int64) []byte { return bytes.Repeat(fmt.Appendf(nil, "report %d ", n), 900) }

// carryAway puts four objects on a courier medium.
func carryAway(dir string, _ uint64, say func(string)) error {
	if err := os.Mkdir(filepath.Join(dir, "unbind"), 0o700); err != nil {
		return err
	}
	for n := int64(1); n <= 4; n++ {
		if err := put(dir, n, parcel(n)); err != nil {
			return err
		}
		say(fmt.Sprint("ack ", n))
	}
	return nil
}

func put(dir string, n int64, body []byte) error {
	c, err := transport.NewCourier(transport.CourierConfig{Path: dir}, "T-1")
	if err != nil {
		return err
	}
	_, err = c.Put(context.Background(), transport.Object{Case: "C-1", Kind: "report", N: n}, body)
	if errors.Is(err, transport.ErrNotYet) { // delivered; the desk's reply comes with the next stick
		return nil
	}
	return err
}

// judgeCourier looks at the medium: what was told as delivered is there, nothing
// has its name and other bytes, and everything can be delivered once more.
func judgeCourier(dir string, told []string) error {
	acked, _ := bounds(told)
	for n := int64(1); n <= 4; n++ {
		b, err := os.ReadFile(filepath.Join(dir, "unbind", "T-1", "C-1", "out", fmt.Sprintf("report-%d.json", n)))
		if err == nil && !bytes.Equal(b, parcel(n)) {
			return fmt.Errorf("object %d has its name and %d other bytes", n, len(b))
		}
		if err != nil && uint64(n) <= acked {
			return fmt.Errorf("object %d was told as delivered: %w", n, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "unbind"), 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	for n := int64(1); n <= 4; n++ {
		if err := put(dir, n, parcel(n)); err != nil {
			return err
		}
	}
	return nil
}

func courierReplay() *replay {
	return &replay{store: "courier", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 4), judge: judgeCourier, only: envCase()}
}

func TestCourierLosesNothing(t *testing.T) {
	r := courierReplay()
	green(t, "courier", r.run(t, recorded(t, r.seed, "courier")))
}
