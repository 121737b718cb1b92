package devicesim

import (
	"bytes"
	"hash/fnv"
	"slices"
	"time"
)

const (
	lateBy   = 200 * time.Millisecond
	stuckFor = time.Second
	pieceGap = 5 * time.Millisecond
)

// chain is the noise of one way of the line. Every decision is a die of its own, thrown by the seed, the way, the fault
// and the place in the stream of bytes or frames: how the system cuts the bytes of a frame into reads changes nothing.
type chain struct {
	seed   uint64
	often  map[string]frequency
	left   map[string]int // of those that strike a number of times
	span   func([]byte) int
	at     uint64 // place of the next byte
	frames uint64 // number of the next frame
	burst  int    // bytes that the burst still spoils
	struck *tally // nil: nobody counts
}

// piece is what the noise makes of a frame, or a part of it.
type piece struct {
	bytes  []byte
	travel int           // bytes that the line was busy with
	pause  time.Duration // before it
	glued  bool          // it goes with the next one
	echo   []byte        // what the other side hears of it
}

func newChain(n Noise, way string, span func([]byte) int) *chain {
	sum := fnv.New64a()
	sum.Write([]byte(way)) // a hash takes everything
	c := &chain{seed: mix(n.seed, sum.Sum64()), often: n.on(way), left: map[string]int{}, span: span}
	for name, f := range c.often {
		if f.times > 0 {
			c.left[name] = f.times
		}
	}
	return c
}

// pass returns what is left of every frame that is complete, and the beginning of one that is not. At the end of a run
// of bytes there is no such beginning: what begins no whole frame passes byte by byte.
func (c *chain) pass(b []byte, ended bool) (out []piece, half []byte) {
	for len(b) > 0 {
		n := c.span(b)
		if n == 0 || n > len(b) {
			if !ended {
				break
			}
			n = 1
		}
		if n == 1 {
			out = append(out, piece{bytes: c.damage(b[:n]), travel: 1})
		} else {
			out = append(out, c.frame(b[:n])...)
		}
		b = b[n:]
		c.at += uint64(n)
	}
	return out, bytes.Clone(b)
}

// frame does to a frame what strikes frames, and to its bytes what strikes bytes.
func (c *chain) frame(unit []byte) []piece {
	number := c.frames
	c.frames++
	p := piece{bytes: c.damage(unit), glued: c.falls(noiseGlue, number)}
	if c.strikes(noiseDelay, number) {
		p.pause += lateBy
	}
	if c.strikes(noiseStuck, number) {
		p.pause += stuckFor
	}
	if c.strikes(noiseEcho, number) {
		p.echo = bytes.Clone(unit)
	}
	if c.strikes(noiseDrop, number) {
		p.bytes = nil
	}
	if len(p.bytes) > 0 && c.strikes(noiseDouble, number) {
		p.bytes = slices.Concat(p.bytes, p.bytes)
	}
	if c.strikes(noiseGarbage, number) {
		p.bytes = c.surround(p.bytes, number)
	}
	p.travel = max(len(unit), len(p.bytes))
	if len(p.bytes) > 1 && c.strikes(noiseSplit, number) {
		return c.split(p, number)
	}
	return []piece{p}
}

// damage strikes the bytes of one frame, which begins at c.at. Bytes change places first, so that every byte then stands
// where the other faults find it.
func (c *chain) damage(unit []byte) []byte {
	aim := c.aims(unit)
	unit = c.swapped(unit, aim[noiseSwap])
	var out []byte
	for i, v := range unit {
		at := c.at + uint64(i)
		struck := func(name string) bool { return c.counted(name, aim[name] == i+1 || c.strikesAt(name, at)) }
		if struck(noiseBurst) {
			c.burst = c.burstLength(at)
		}
		if c.burst > 0 {
			c.burst--
			v ^= 1 + byte(c.die("burst byte", at)%255)
		}
		if struck(noiseFlip) {
			v ^= 1 << (c.die("flip bit", at) % 8)
		}
		switch {
		case struck(noiseLose):
		case struck(noiseDuplicate):
			out = append(out, v, v)
		default:
			out = append(out, v)
		}
	}
	return out
}

// swapped lets neighbours that differ change places; no byte does so twice.
func (c *chain) swapped(unit []byte, aim int) []byte {
	if _, set := c.often[noiseSwap]; !set || len(unit) == 1 {
		return unit
	}
	out := bytes.Clone(unit)
	for i := 0; i+1 < len(out); i++ {
		wanted := aim == i+1 || aim != i+2 && c.strikesAt(noiseSwap, c.at+uint64(i))
		if out[i] != out[i+1] && c.counted(noiseSwap, wanted) {
			out[i], out[i+1] = out[i+1], out[i]
			i++
		}
	}
	return out
}

func (c *chain) burstLength(at uint64) int { return 2 + int(c.die("burst length", at)%7) }

// aims gives each fault that strikes a number of times its place in this frame, counted from 1: one where it can act, and
// where no other undoes it. A fault that has no such place waits for the next frame.
func (c *chain) aims(unit []byte) map[string]int {
	if len(c.left) == 0 || len(unit) == 1 {
		return nil
	}
	aim := map[string]int{}
	taken := make([]bool, len(unit))
	for _, name := range []string{noiseBurst, noiseSwap, noiseFlip, noiseLose, noiseDuplicate} {
		if c.left[name] == 0 {
			continue
		}
		var places []int
		for i := range unit {
			if !taken[i] && (name != noiseSwap || i+1 < len(unit) && unit[i] != unit[i+1] && !taken[i+1]) {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			continue
		}
		at := places[c.die("place of "+name, c.at)%uint64(len(places))]
		c.left[name]--
		aim[name] = at + 1
		reach := map[string]int{noiseBurst: c.burstLength(c.at + uint64(at)), noiseSwap: 2}[name]
		for i := at; i < min(len(unit), at+max(reach, 1)); i++ {
			taken[i] = true
		}
	}
	return aim
}

// strikes says whether a fault of frames strikes this one, and counts it.
func (c *chain) strikes(name string, frame uint64) bool { return c.counted(name, c.falls(name, frame)) }

func (c *chain) counted(name string, struck bool) bool {
	if struck {
		c.struck.add(name)
	}
	return struck
}

// falls is strikes for a fault that may yet come to nothing.
func (c *chain) falls(name string, frame uint64) bool {
	if c.left[name] > 0 {
		c.left[name]--
		return true
	}
	return c.strikesAt(name, frame)
}

// strikesAt throws the die of one fault at one place.
func (c *chain) strikesAt(name string, place uint64) bool {
	f, set := c.often[name]
	return set && float64(c.die(name, place)>>11)/(1<<53) < f.rate
}

func (c *chain) die(what string, place uint64) uint64 {
	sum := fnv.New64a()
	sum.Write([]byte(what)) // a hash takes everything
	return mix(c.seed^sum.Sum64(), place)
}

// mix is SplitMix64 (Steele, Lea, Flood 2014), begun at a and moved on by b.
func mix(a, b uint64) uint64 {
	z := a + (b+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// surround puts garbage before or behind a frame.
func (c *chain) surround(b []byte, frame uint64) []byte {
	garbage := make([]byte, 1+c.die("garbage length", frame)%16)
	for i := range garbage {
		garbage[i] = byte(c.die("garbage", frame<<8|uint64(i)))
	}
	if c.die("garbage side", frame)%2 == 0 {
		return slices.Concat(garbage, b)
	}
	return slices.Concat(b, garbage)
}

// split cuts a frame in two to four pieces with a pause between them that ends no frame.
func (c *chain) split(p piece, frame uint64) []piece {
	n := min(2+int(c.die("pieces", frame)%3), len(p.bytes))
	var out []piece
	whole := p
	for i := range n {
		part := whole.bytes[i*len(whole.bytes)/n : (i+1)*len(whole.bytes)/n]
		p.bytes, p.travel = part, len(part)
		if i > 0 {
			p.pause, p.echo = pieceGap, nil
		}
		p.glued = whole.glued && i == n-1
		out = append(out, p)
	}
	return out
}
