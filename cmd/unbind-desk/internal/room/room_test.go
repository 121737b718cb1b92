package room

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// Garbage never gathers beyond the larger of what lives and Most, whatever lives.
func TestMemoryIsBoundedByWhatLives(t *testing.T) {
	for live := uint64(1); live < 1<<40; live = live*3/2 + 1 {
		got := share(live)
		if garbage := live / 100 * uint64(got); garbage > max(live, Most) {
			t.Errorf("%d bytes live, and %d of garbage may gather", live, garbage)
		}
		if got < least || got > most {
			t.Errorf("%d bytes live, and the share is %d", live, got)
		}
	}
	if share(0) != most || share(Most) != least || share(Most/2) != 200 {
		t.Errorf("the shares are %d, %d, %d", share(0), share(Most), share(Most/2))
	}
}

// After a collection with much alive the share is the one for it, and when it is over
// the one from before.
func TestTheShareFollowsWhatLives(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	stop := Give()
	if got := percent(); got != most {
		t.Errorf("it begins with %d", got)
	}
	kept := make([]byte, 2*Most)
	for over := time.Now().Add(time.Minute); percent() != least; runtime.Gosched() {
		if runtime.GC(); time.Now().After(over) {
			t.Fatalf("with %d bytes alive the share is %d", len(kept), percent())
		}
	}
	runtime.KeepAlive(kept)
	stop()
	if got := percent(); got != 100 {
		t.Errorf("afterwards it is %d", got)
	}
}

func TestWhoSetsGOGCIsObeyed(t *testing.T) {
	t.Setenv("GOGC", "50")
	before := debug.SetGCPercent(50)
	defer debug.SetGCPercent(before)
	defer Give()()
	if got := percent(); got != 50 {
		t.Errorf("it is %d", got)
	}
}

func percent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}
