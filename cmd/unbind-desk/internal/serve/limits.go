package serve

import "time"

// Limits bound what one client can take of the desk: of its time, its memory and
// its connections. No limit of time is one on a whole upload, only on standing
// still.
type Limits struct {
	Head   time.Duration // for a handshake, and for the head of a request
	Body   time.Duration // for a small body
	Stall  time.Duration // within which an upload must bring Least bytes, or its end
	Least  int64
	Yield  int64         // bytes that an upload brings in each Stall to keep its place while others wait for one
	Turn   time.Duration // to stand in the queue for a place
	Idle   time.Duration // between two requests
	Answer time.Duration // to take an answer

	All         int // connections
	Source      int // of one address, without a certificate
	Certificate int // with one certificate
}

// DefaultLimits are those of a desk that is told nothing else. A line of GPRS
// brings Least in a twentieth of Stall, and Yield in half of it.
func DefaultLimits() Limits {
	return Limits{
		Head: 10 * time.Second, Body: 30 * time.Second, Stall: 2 * time.Minute, Least: 16 << 10, Yield: 160 << 10,
		Turn: comeAgain, Idle: 2 * time.Minute, Answer: 30 * time.Second,
		All: 16 << 10, Source: 1 << 10, Certificate: 16,
	}
}
