//go:build (amd64 || arm64) && !android

package crash

import (
	"fmt"
	"math/rand/v2"
)

// spot is one pending piece.
type spot struct{ ino, i int }

// choices are the answers that are tried at one point: the two ends, each half
// of content and names without the other, each piece dropped or kept alone, torn
// or spoilt, and as many at random as are asked for.
func (d *disk) choices(rng *rand.Rand, randoms int) []choice {
	var spots []spot
	for _, ino := range d.unsure() {
		for i := range d.files[ino].pending {
			spots = append(spots, spot{ino, i})
		}
	}
	all := []choice{{name: "all written"}}
	if len(spots)+len(d.names) == 0 {
		return all
	}
	nothing := allLost(spots)
	all = append(all, choice{name: "all dropped", names: d.lostFrom(0), fates: nothing})
	if len(spots) > 0 && len(d.names) > 0 {
		all = append(all,
			choice{name: "names without content", fates: nothing},
			choice{name: "content without names", names: d.lostFrom(0)})
	}
	for i := range d.names {
		all = append(all, choice{name: fmt.Sprintf("names up to %d", i), names: d.lostFrom(i)},
			choice{name: fmt.Sprintf("name %d dropped", i), names: map[int]bool{i: true}, fates: nothing})
	}
	all = append(all, single(rng, spots)...)
	for n := range randoms {
		all = append(all, d.random(rng, spots, n))
	}
	return all
}

// singles is how many pieces are tried one by one; with more, some by lot.
const singles = 8

func single(rng *rand.Rand, spots []spot) (all []choice) {
	some := spots
	if len(spots) > singles {
		some = nil
		for _, i := range rng.Perm(len(spots))[:singles-1] {
			some = append(some, spots[i])
		}
		some = append(some, spots[len(spots)-1])
	}
	for _, s := range some {
		word := fmt.Sprintf(" %d.%d", s.ino, s.i)
		all = append(all,
			choice{name: "dropped" + word, fates: fatesOf(s, fate{how: lost})},
			choice{name: "torn" + word, fates: fatesOf(s, fate{torn, rng.Uint64()})},
			choice{name: "garbage" + word, fates: fatesOf(s, fate{garbage, rng.Uint64()})})
		if len(spots) > 1 {
			alone := allLost(spots)
			alone[s.ino][s.i] = fate{}
			tornAlone := allLost(spots)
			tornAlone[s.ino][s.i] = fate{torn, rng.Uint64()}
			all = append(all, choice{name: "alone" + word, fates: alone}, choice{name: "torn alone" + word, fates: tornAlone})
		}
	}
	return all
}

func (d *disk) random(rng *rand.Rand, spots []spot, n int) choice {
	c := choice{name: fmt.Sprintf("random %d", n), names: map[int]bool{}, fates: map[int]map[int]fate{}}
	for i := range d.names {
		if rng.IntN(2) == 0 {
			c.names[i] = true
		}
	}
	for _, s := range spots {
		if c.fates[s.ino] == nil {
			c.fates[s.ino] = map[int]fate{}
		}
		switch rng.IntN(6) {
		case 0, 1, 2:
			c.fates[s.ino][s.i] = fate{how: lost}
		case 3:
			c.fates[s.ino][s.i] = fate{torn, rng.Uint64()}
		}
	}
	return c
}

func (d *disk) lostFrom(first int) map[int]bool {
	lost := map[int]bool{}
	for i := first; i < len(d.names); i++ {
		lost[i] = true
	}
	return lost
}

func allLost(spots []spot) map[int]map[int]fate {
	fates := map[int]map[int]fate{}
	for _, s := range spots {
		if fates[s.ino] == nil {
			fates[s.ino] = map[int]fate{}
		}
		fates[s.ino][s.i] = fate{how: lost}
	}
	return fates
}

func fatesOf(s spot, f fate) map[int]map[int]fate {
	return map[int]map[int]fate{s.ino: {s.i: f}}
}
