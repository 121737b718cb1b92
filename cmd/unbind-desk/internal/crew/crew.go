// Package crew carries out work on goroutines that have done such work before.
//
// A signature is checked deep down in a stack, and the goroutine of a connection that
// has waited for its terminal has a shallow one: the collector took back what it did
// not use. It would be copied to a larger place for nearly every request, and shrunk
// again after it. Here a few goroutines keep theirs.
//
// It promises that what is given to it is done once, and that a panic goes on where
// the work was given.
//
//	crew.go  the crew, Do and Go
package crew

import (
	"runtime"
	"sync"
)

// most is how many members wait for work at most; more come and go as they are needed.
const most = 256

// Crew is a crew; the zero value is ready.
type Crew struct {
	mu   sync.Mutex
	idle []*member
}

// member is one goroutine. Its channels have room for one, so that neither side waits
// for the other to come and look.
type member struct {
	work chan func()
	said chan end
}

// end is how a piece of work ended; one that did not return takes its member along.
type end struct {
	returned bool
	panicked any
}

// Do has f done and waits for it.
func (c *Crew) Do(f func()) {
	m := c.hire()
	m.work <- func() { m.try(f) }
	switch how := <-m.said; {
	case how.returned:
		c.dismiss(m)
	case how.panicked != nil:
		panic(how.panicked)
	default:
		runtime.Goexit()
	}
}

// Go has f done and does not wait. A panic in it ends the program, as in any goroutine.
func (c *Crew) Go(f func()) {
	m := c.hire()
	m.work <- func() {
		f()
		c.dismiss(m)
	}
}

// try tells how f ended. A member that does not come back from it is closed, so that
// its goroutine ends after a panic too.
func (m *member) try(f func()) {
	how := end{}
	defer func() {
		if how.panicked = recover(); !how.returned {
			close(m.work)
		}
		m.said <- how
	}()
	f()
	how.returned = true
}

// hire takes who came back last: his stack is still there.
func (c *Crew) hire() *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.idle); n > 0 {
		m := c.idle[n-1]
		c.idle = c.idle[:n-1]
		return m
	}
	m := &member{work: make(chan func(), 1), said: make(chan end, 1)}
	go func() {
		for f := range m.work {
			f()
		}
	}()
	return m
}

// dismiss lets a member wait for the next work, or go home when enough wait.
func (c *Crew) dismiss(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) < most {
		c.idle = append(c.idle, m)
		return
	}
	close(m.work)
}
