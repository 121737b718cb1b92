package main

import (
	"fmt"
	"os"
	"testing"

	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// A terminal that was away while the desk went from version 1 to 40 obeys a command
// of the last one: as the desk sends it, or from one file that a courier brings, which
// the desk's own verb has written. Every version on the way had expired long ago.
func TestATerminalMonthsBehindCatchesUp(t *testing.T) {
	const last = 40
	for name, bring := range map[string]func(w *world, order string){
		"https": func(w *world, order string) {
			w.publish(order)
			w.startDaemon()
		},
		"a courier's file": func(w *world, order string) {
			w.plugMedium()
			file := w.path("usb", "unbind", "steps.json")
			must(w.t, "unbind-desk", "trust", "export", "--dir", w.path("desk"), "--from", "1", "--order", order, "--out", file)
			w.startDaemon()
			w.until("a trusted clock", trusted)
			text, err := os.ReadFile(file)
			if err != nil {
				w.t.Fatal(err)
			}
			w.accepts(text)
			w.until("the last version", func(s local.Status) bool { return s.Trust == last })
			w.publish(order) // so that the desk takes what the terminal reports
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "a courier's file" && os.Getenv("CATCHUP") == "" {
				t.Skip("one way is enough for every test run; make catchup goes both")
			}
			t.Parallel()
			w := newWorld(t, options{sales: 20, plain: true})
			b := w.bundleNow()
			for b.Version < last {
				if b.Version++; b.Version < last {
					b.Expires = b.Issued + b.Version
				} else {
					b.Expires = w.bundleNow().Expires
				}
				w.publish(w.keep(fmt.Sprintf("trust-%d.json", b.Version), w.sealed(trust.Kind, b, roots...)))
			}
			w.startDaemon()
			w.traded(20)
			w.daemon.kill()
			bring(w, w.sign(w.issue(), "ops-1", "sec-1"))
			if s := w.unbound(); s.Tombstone == nil || s.Tombstone.Result != "complete" {
				t.Errorf("the end is %+v", s.Tombstone)
			}
			w.proves(20)
		})
	}
}
