package agent

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"unbindd/agent/journal"
)

// The three things a terminal may know of the time.
const (
	clockTrusted = "trusted" // set since the start by a signed answer to our nonce
	clockFloor   = "floor"   // no earlier than the floor, no more is known
	clockUnknown = "unknown"
)

// clock is what is known of the time. No safety decision rests on the wall
// clock of the machine: trusted time is a signed answer plus the time that has
// passed since, measured by the monotonic clock.
type clock struct {
	mu     sync.Mutex
	now    func() time.Time
	signed int64     // Unix seconds of the answer
	at     time.Time // when it came, monotonic
	known  bool
	floor  int64
}

func newClock(now func() time.Time, floor int64) *clock { return &clock{now: now, floor: floor} }

// read returns the time in Unix seconds and how far it is known.
func (c *clock) read() (unix int64, quality string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known {
		return c.signed + int64(c.now().Sub(c.at)/time.Second), clockTrusted
	}
	wall := c.now().Unix()
	if c.floor == 0 {
		return wall, clockUnknown
	}
	return max(wall, c.floor), clockFloor
}

// set takes a signed time over.
func (c *clock) set(unix int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signed, c.at, c.known = unix, c.now(), true
	c.floor = max(c.floor, unix)
}

func (c *clock) low() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

// wall is the machine's time, never before the floor, for TLS only.
func (c *clock) wall() time.Time {
	unix, _ := c.read()
	return time.Unix(unix, 0)
}

// challengeLife is how long a challenge lives, in seconds of uptime: 72 h.
const challengeLife = 72 * 3600

// uptime is the seconds since boot and the name of the boot, both from the
// kernel, because nobody can set them.
func uptime() (seconds int64, boot string, err error) {
	b, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0, "", fmt.Errorf("cannot read the uptime: %w", err)
	}
	first, _, _ := strings.Cut(string(b), ".")
	if seconds, err = strconv.ParseInt(first, 10, 64); err != nil {
		return 0, "", fmt.Errorf("cannot read the uptime: %w", err)
	}
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return 0, "", fmt.Errorf("cannot read the boot id: %w", err)
	}
	return seconds, strings.TrimSpace(string(id)), nil
}

// alive says whether a challenge still lives. Of another boot only the uptime
// of this one is known to have passed.
func alive(c journal.Challenge) (bool, error) {
	seconds, boot, err := uptime()
	if err != nil {
		return false, err
	}
	age := c.Spent + seconds
	if boot == c.Boot {
		age = c.Spent + seconds - c.Uptime
	}
	return age <= challengeLife, nil
}
