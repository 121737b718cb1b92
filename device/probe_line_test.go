package device_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"unbindd/device"
	"unbindd/device/devicesim"
)

// Readers of every protocol are found, each on a line where the others were asked for first.
func TestEveryProtocolIsFound(t *testing.T) {
	for _, protocol := range device.DriverNames() {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			seed := sha256.Sum256([]byte(dir)) // a reader of its own, as in newBench
			nvm, link := filepath.Join(dir, "nvm"), filepath.Join(dir, "tty")
			_, err := devicesim.Create(nvm, devicesim.Spec{
				Serial: fmt.Sprintf("FIND-%X", seed[:4]), Protocol: protocol, TicketKey: make([]byte, 32), Rand: rand.NewChaCha8(seed),
			})
			must(t, err)
			sim, err := devicesim.Start(nvm, devicesim.Options{Link: link, Protocol: protocol})
			must(t, err)
			defer func() { must(t, sim.Close()) }()
			r := device.New(device.Config{Driver: device.DriverAuto, Path: link}, device.Options{Retry: quick})
			defer func() { must(t, r.Close()) }()
			id := identifyWhenBack(t, r)
			found := r.Status()
			if found.Driver != protocol || id.Driver != protocol || found.Baud != 115200 || found.Serial != id.Serial {
				t.Errorf("status %+v, identity %+v", found, id)
			}
			if n := r.Stats(); n.FramesIn == 0 || n.FramesOut == 0 || n.BytesIn == 0 {
				t.Errorf("counts %+v", n)
			}
		})
	}
}
