// Package room says how much garbage a desk lets gather before it collects.
//
// The runtime collects when as much garbage has gathered as lives. What lives in a desk
// is mostly its connections, and to go through them again for a few megabytes of
// garbage costs a certificate a tenth of its processor time. So a desk lets three times
// as much gather as lives, and never more than Most for it; one with so many
// connections that more than Most lives collects as the runtime would. Its memory is
// bounded by what lives, as it was.
//
// It promises nothing of what is kept or answered: it costs memory and saves time.
//
//	room.go  the share, set anew after each collection
package room

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// Most is how much garbage may gather beyond what the runtime itself would let, in bytes.
const Most = 192 << 20

// The share of garbage to what lives, in percent, as the runtime takes it.
const (
	least = 100
	most  = 300
)

// share is the percentage for so many bytes that live.
func share(live uint64) int {
	return int(min(most, max(least, Most*100/max(live, 1))))
}

// Give gives the program its room until stop is called. Whoever has set GOGC has said
// what he wants.
func Give() (stop func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	w := &watch{before: debug.SetGCPercent(most)}
	w.set = most
	w.arm()
	return func() {
		w.over.Store(true)
		debug.SetGCPercent(w.before)
	}
}

// watch hears of each collection by what it leaves to be collected.
type watch struct {
	before, set int
	over        atomic.Bool
}

// mark is too large to share its place with others, which would keep it.
type mark struct{ _ [64]byte }

func (w *watch) arm() { runtime.AddCleanup(new(mark), func(w *watch) { w.heard() }, w) }

// heard sets the share for what lives now. Setting it stops everybody for a moment: a
// difference that says nothing is left.
func (w *watch) heard() {
	if w.over.Load() {
		return
	}
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(read)
	if now := share(read[0].Value.Uint64() + read[1].Value.Uint64()); now*10 > w.set*11 || now*11 < w.set*10 {
		debug.SetGCPercent(now)
		w.set = now
	}
	w.arm()
}
