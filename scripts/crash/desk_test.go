//go:build (amd64 || arm64) && !android

package crash

import "testing"

const deskStore = "cmd/unbind-desk/internal/store"

func TestDeskLosesNothing(t *testing.T) {
	desk := build(t, deskStore)
	r := &replay{store: "desk", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 4), judge: desk.judge(t), only: envCase()}
	green(t, "desk", r.run(t, desk.recorded(t, "desk")))
}

// What a killed desk left in the page cache alone must not be answered as stored.
func TestDeskAfterAKill(t *testing.T) {
	desk := build(t, deskStore)
	var total figures
	for n := 12; ; n++ { // the first ones make the store
		tr, hit := killedThen(t, sync, n, desk.command, "desk", "desk again")
		if !hit {
			break
		}
		r := &replay{store: "desk", seed: 1, randoms: 1, from: "ack", judge: desk.judge(t)}
		total.add(r.run(t, tr))
	}
	green(t, "desk killed", total)
}

func TestDeafMediaOfTheDeskAreSeen(t *testing.T) {
	desk := build(t, deskStore)
	for _, c := range []struct {
		name string
		k    kind
		word string
	}{
		{"its records", sync, "desk.db"}, {"its blobs", sync, "blobs/"}, {"its folder of blobs", syncFolder, "blobs"},
	} {
		r := &replay{store: "desk", seed: 1, deaf: deafTo(c.k, c.word), judge: desk.judge(t), enough: 3}
		red(t, c.name, r.run(t, desk.recorded(t, "desk")))
	}
}
