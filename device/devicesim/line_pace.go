package devicesim

import "time"

// pace is the speed of one way of the line, ten bits a byte. It runs by one clock: byte n of a run without a pause has
// arrived n×10/baud after the run began, however late the sleeps between end. What is late is made up for.
type pace struct {
	baud  int // 0: as fast as it goes
	now   func() time.Time
	sleep func(time.Duration)

	began time.Time // of the run
	bytes int64     // of the run
}

// leastStep is how many bytes a receiver hands on together at least, like the threshold of a UART.
const leastStep = 14

// carry lets n bytes travel that were there at the time ready; arrive is told how many of them have come by now.
func (p *pace) carry(n int, ready time.Time, arrive func(upTo int) error) error {
	if p.baud == 0 || n == 0 {
		return arrive(n)
	}
	if ready.After(p.ends(p.bytes)) {
		p.began, p.bytes = ready, 0
	}
	first := p.bytes
	p.bytes += int64(n)
	for come := 0; come < n; {
		step := min(n, come+max(leastStep, p.baud/10_000)) // at least a millisecond of bytes
		p.sleep(p.ends(first + int64(step)).Sub(p.now()))
		// now may be far behind the byte waited for
		come = min(n, max(step, int(p.passed()-first)))
		if err := arrive(come); err != nil {
			return err
		}
	}
	return nil
}

// ends is when so many bytes of the run have arrived.
func (p *pace) ends(bytes int64) time.Time {
	if p.baud == 0 || p.began.IsZero() {
		return time.Time{}
	}
	bits := 10 * bytes
	whole, rest := bits/int64(p.baud), bits%int64(p.baud)
	second := int64(time.Second)
	return p.began.Add(time.Duration(whole*second + (rest*second+int64(p.baud)-1)/int64(p.baud)))
}

// passed is how many bytes of the run could have arrived by now.
func (p *pace) passed() int64 {
	d := p.now().Sub(p.began)
	return int64(d/time.Second)*int64(p.baud)/10 + int64(d%time.Second)*int64(p.baud)/(10*int64(time.Second))
}
