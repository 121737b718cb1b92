package device_test

import (
	"sync"
	"testing"
	"time"

	"unbindd/device"
)

func TestReaderThatIsPluggedInAgainIsSeenAtOnce(t *testing.T) {
	b := newBench(t)
	s := newStates()
	b.reader(func(o *device.Options) {
		o.Notify = s.notify
		o.Retry.BackoffFirst, o.Retry.BackoffMax = time.Hour, time.Hour
	})
	_, at := s.wait(t, 0, device.StateReady)
	must(t, b.sim.Unplug())
	_, at = s.wait(t, at, device.StateLost)
	must(t, b.sim.Plug())
	s.wait(t, at, device.StateReady)
}

// The kernel gives the new line the number of the old one, so the node looks the same but for its age.
func TestReaderThatIsBackBeforeAnybodyLooksIsSeen(t *testing.T) {
	b := newBench(t)
	s := newStates()
	var once sync.Once
	b.reader(func(o *device.Options) {
		o.Notify = func(st device.Status) {
			if st.State == device.StateLost {
				once.Do(func() { must(t, b.sim.Plug()) })
			}
			s.notify(st)
		}
		o.Retry.BackoffFirst, o.Retry.BackoffMax = time.Hour, time.Hour
	})
	_, at := s.wait(t, 0, device.StateReady)
	must(t, b.sim.Unplug())
	_, at = s.wait(t, at, device.StateLost)
	s.wait(t, at, device.StateReady)
}
