package devicesim

import "strconv"

// Faults that only ccid has; silent and nak strike it too.
const (
	faultWrongLRC = "wrong-lrc" // [=n] spoils the check byte of its answers
	faultAsksTime = "asks-time" // =n: asks for time n times before each answer
)

// spoilt is an answer as it leaves the reader.
func (f *ccidFront) spoilt(answer []byte) []byte {
	if !f.sim.strikes(faultWrongLRC) {
		return answer
	}
	wrong := append([]byte{}, answer...)
	wrong[len(wrong)-1] ^= 0x5A
	return wrong
}

func (f *ccidFront) timeRequests() (b []byte) {
	f.sim.mu.Lock()
	defer f.sim.mu.Unlock()
	n, err := strconv.Atoi(f.sim.faults[faultAsksTime])
	if err != nil {
		return nil // not in force
	}
	for i := range n {
		b = append(b, ccidAsks|byte(i+1)&0x7F)
	}
	return b
}
