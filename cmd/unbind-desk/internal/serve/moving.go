package serve

import (
	"errors"
	"io"
	"time"
)

// moving is a body that must go on: each span of time brings its least, or the
// deadline strikes. It has a place among the uploads, and ends when that is gone.
type moving struct {
	from   interface{ Read([]byte) (int, error) }
	extend func(time.Time) error
	limits Limits
	place  *place
	came   int64
	begun  bool
}

// Read reads on, and gives the next span its time once this one has brought enough.
func (m *moving) Read(p []byte) (int, error) {
	if !m.begun || m.came >= m.limits.Least {
		if err := m.place.extend(m.extend, time.Now().Add(m.limits.Stall)); err != nil {
			return 0, err
		}
		m.begun, m.came = true, 0
	}
	n, err := m.from.Read(p)
	m.came += int64(n)
	if gone := m.place.brought(n, errors.Is(err, io.EOF)); gone != nil {
		return n, gone
	}
	return n, err
}
