package devicesim

import (
	"time"

	"golang.org/x/sys/unix"
)

// coarse is how late a timer of the runtime may be: it waits in whole milliseconds.
const coarse = 2 * time.Millisecond

// nap waits to some ten microseconds: the last bit of a wait is the kernel's, since an acknowledgement takes less
// than the runtime's timers can tell apart.
func (w *wire) nap(d time.Duration) {
	until := time.Now().Add(d)
	w.sleep(d - coarse)
	if left := time.Until(until); left > 0 {
		rest := unix.NsecToTimespec(left.Nanoseconds())
		// A thread's waits may else be 50 µs late, to share wakings; where the kernel refuses, they are.
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		// Woken early by a signal, the next step makes up for it.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &rest, nil)
	}
}
