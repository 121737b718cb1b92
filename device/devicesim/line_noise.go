package devicesim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Names of what goes wrong on the line. Those of bytes strike any byte, those of frames a whole frame.
const (
	noiseFlip      = "flip"         // a bit is turned
	noiseBurst     = "burst"        // 2 to 8 bytes become others
	noiseLose      = "lose"         // a byte is gone
	noiseDuplicate = "duplicate"    // a byte comes twice
	noiseSwap      = "swap"         // a byte changes places with the next one of its frame
	noiseGarbage   = "garbage"      // 1 to 16 other bytes before or behind a frame
	noiseDelay     = "delay"        // a frame comes 200 ms late
	noiseDrop      = "drop-frame"   // a frame is gone
	noiseDouble    = "double-frame" // a frame comes twice
	noiseSplit     = "split"        // way out: a frame comes in pieces
	noiseGlue      = "glue"         // way out: a frame comes together with the next one, if that comes within 30 ms
	noiseEcho      = "echo"         // way in: the host hears its own frame
	noiseStuck     = "stuck"        // way in: the reader does not read for a second
)

// Ways of the line: in is what the host sends, out what the reader sends.
const (
	wayIn  = "in"
	wayOut = "out"
)

// noiseWays says where a line fault can strike; "" is both ways.
var noiseWays = map[string]string{
	noiseFlip: "", noiseBurst: "", noiseLose: "", noiseDuplicate: "", noiseSwap: "",
	noiseGarbage: "", noiseDelay: "", noiseDrop: "", noiseDouble: "",
	noiseSplit: wayOut, noiseGlue: wayOut, noiseEcho: wayIn, noiseStuck: wayIn,
}

// LineFaultNames lists everything that can go wrong on the line, sorted.
func LineFaultNames() []string { return slices.Sorted(maps.Keys(noiseWays)) }

// Noise says what goes wrong on a line. The same noise makes the same of the same bytes, whatever the timing.
type Noise struct {
	text  string
	seed  uint64
	way   string // "" both
	often map[string]frequency
}

// frequency is how often a line fault strikes: at a rate, or a number of times and then no more.
type frequency struct {
	rate  float64 // of bytes or frames; 0: times
	times int     // one in each of the next frames
}

// ParseNoise reads "flip=1e-4,drop-frame=2x,way=in,seed=7": a fault with a rate from 0 to 1 of all bytes or frames, or
// with "2x" for one in each of the next two frames. "way" is in or out, without it both; "none" is a quiet line.
func ParseNoise(text string) (Noise, error) {
	n := Noise{text: text, often: map[string]frequency{}}
	if text == "none" {
		return n, nil
	}
	seen := map[string]bool{}
	for item := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(item, "=")
		if seen[name] {
			return Noise{}, fmt.Errorf("cannot set line: %s is given twice", name)
		}
		seen[name] = true
		if err := n.set(name, value); err != nil {
			return Noise{}, fmt.Errorf("cannot set line: %w", err)
		}
	}
	for name := range n.often {
		if only := noiseWays[name]; only != "" && n.way != "" && n.way != only {
			return Noise{}, fmt.Errorf("cannot set line: %s happens on the way %s only", name, only)
		}
	}
	return n, nil
}

func (n *Noise) set(name, value string) (err error) {
	_, known := noiseWays[name]
	switch {
	case name == "seed":
		n.seed, err = strconv.ParseUint(value, 10, 64)
	case name == "way" && (value == wayIn || value == wayOut):
		n.way = value
	case name == "way":
		return fmt.Errorf("way %q is not in or out", value)
	case !known:
		return fmt.Errorf("fault %q is not one of %s", name, strings.Join(LineFaultNames(), " "))
	default:
		n.often[name], err = parseFrequency(value)
	}
	if err != nil {
		return fmt.Errorf("bad value %q of %s", value, name)
	}
	return nil
}

func parseFrequency(value string) (f frequency, err error) {
	if times, counted := strings.CutSuffix(value, "x"); counted {
		f.times, err = strconv.Atoi(times)
		if err == nil && f.times < 1 {
			err = strconv.ErrRange
		}
		return f, err
	}
	f.rate, err = strconv.ParseFloat(value, 64)
	if err == nil && !(f.rate >= 0 && f.rate <= 1) { // not a number is neither
		err = strconv.ErrRange
	}
	return f, err
}

// on says how often each fault strikes on one way.
func (n Noise) on(way string) map[string]frequency {
	often := map[string]frequency{}
	for name, f := range n.often {
		if only := noiseWays[name]; (n.way == "" || n.way == way) && (only == "" || only == way) {
			often[name] = f
		}
	}
	return often
}

// SetLine puts a noise in force, or with a quiet one ends it. Places in the stream are counted from here.
func (s *Sim) SetLine(n Noise) {
	span := spans[s.options.Protocol]
	if span == nil {
		span = func([]byte) int { return 1 }
	}
	s.noise.Store(newNoise(n, span, &s.struck))
}

// Line is the noise in force as ParseNoise reads it, "none" for a quiet line.
func (s *Sim) Line() string {
	if n := s.noise.Load(); n != nil {
		return n.text
	}
	return "none"
}
