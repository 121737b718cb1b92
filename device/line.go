package device

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// line is an open serial line that is lost once and for all. Every protocol stands on one:
//
//	alive -> lost (hang-up, a write that nobody reads, whatever the protocol gives up for)
type line struct {
	port  io.ReadWriteCloser
	baud  int
	bits  int // of a character: 10, or 11 with two stop bits
	retry RetryConfig
	tally *tally // may be shared with the lines before it

	writing sync.Mutex // frames go out whole

	dying sync.Once
	dead  chan struct{}
	cause error // valid once dead is closed
}

func newLine(port io.ReadWriteCloser, baud int, retry RetryConfig) *line {
	return &line{port: port, baud: baud, bits: 10, retry: retry, tally: new(tally), dead: make(chan struct{})}
}

// receive hands what arrives to take until the line is lost; it is the line's only reader.
func (l *line) receive(longest int, take func([]byte)) {
	buf := make([]byte, longest)
	for {
		n, err := l.port.Read(buf)
		l.tally.bytesIn.Add(uint64(n))
		take(buf[:n])
		if err != nil {
			l.fail(fmt.Errorf("%w: %w", ErrHangup, err))
			return
		}
	}
}

// write sends one frame. Only Close frees a write that nobody reads, so a timer stands ready to do that.
func (l *line) write(b []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	watchdog := time.AfterFunc(l.retry.Write+l.bytesTime(len(b)), func() {
		l.fail(fmt.Errorf("%w: the line takes no bytes", ErrHangup))
	})
	defer watchdog.Stop()
	n, err := l.port.Write(b)
	l.tally.bytesOut.Add(uint64(n))
	if err == nil {
		l.tally.framesOut.Add(1)
	}
	return err
}

func (l *line) isAlive() bool {
	select {
	case <-l.dead:
		return false
	default:
		return true
	}
}

// fail ends the line once and for all; the first cause stays.
func (l *line) fail(cause error) {
	l.dying.Do(func() {
		l.cause = cause
		if err := l.port.Close(); err != nil {
			l.cause = fmt.Errorf("%w (and closing: %w)", cause, err)
		}
		close(l.dead)
	})
}

// bytesTime is how long n bytes take on the line.
func (l *line) bytesTime(n int) time.Duration {
	return time.Duration(n*l.bits) * time.Second / time.Duration(l.baud)
}
