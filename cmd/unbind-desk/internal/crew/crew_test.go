package crew

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// Everything is done once, whoever else gives work at the same time, and with more at
// once than wait for it.
func TestEverythingIsDoneOnce(t *testing.T) {
	var c Crew
	const callers, each = 2 * most, 20
	var did, beside atomic.Int64
	var wait, later sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for range each {
				mine := 0
				c.Do(func() { mine++; did.Add(1) })
				if mine != 1 {
					t.Errorf("done %d times when Do returned", mine)
				}
				later.Add(1)
				c.Go(func() { beside.Add(1); later.Done() })
			}
		})
	}
	wait.Wait()
	later.Wait()
	if did.Load() != callers*each || beside.Load() != callers*each {
		t.Fatalf("%d and %d done of %d", did.Load(), beside.Load(), callers*each)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) > most {
		t.Fatalf("%d wait for work", len(c.idle))
	}
}

// Who gave work hears of its panic, and the next one is done all the same.
func TestAPanicGoesOnWhereTheWorkWasGiven(t *testing.T) {
	var c Crew
	for range 3 {
		func() {
			defer func() {
				if got := recover(); got != "broken" {
					t.Errorf("recovered %v", got)
				}
			}()
			c.Do(func() { panic("broken") })
			t.Error("went on after a panic")
		}()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			c.Do(runtime.Goexit)
			t.Error("went on after Goexit")
		}()
		<-ended
		done := false
		if c.Do(func() { done = true }); !done {
			t.Fatal("the next work was not done")
		}
	}
}
