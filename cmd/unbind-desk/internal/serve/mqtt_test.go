package serve

import (
	"testing"
	"time"
)

// A desk that its broker lets in no more comes back ever more rarely, and for ever.
func TestADeskThatIsDeniedComesBackMoreRarely(t *testing.T) {
	for _, c := range []struct {
		again   time.Duration
		denials int
		want    time.Duration
	}{
		{5 * time.Second, 0, 5 * time.Second}, {5 * time.Second, 1, 10 * time.Second}, {5 * time.Second, 4, 80 * time.Second},
		{5 * time.Second, 5, deniedMost}, {5 * time.Second, 1 << 30, deniedMost}, {time.Hour, 3, time.Hour}, {time.Millisecond, 70, 1024 * time.Millisecond},
	} {
		if got := (Broker{Again: c.again}).pause(c.denials); got != c.want {
			t.Errorf("after %d refusals, %v at first: %v, want %v", c.denials, c.again, got, c.want)
		}
	}
}
