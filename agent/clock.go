package agent

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

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
// passed since, by the clock that nobody can set and that counts sleep too.
type clock struct {
	mu     sync.Mutex
	now    func() time.Time
	signed int64         // Unix seconds of the answer
	at     time.Duration // since boot, when it came
	known  bool
	floor  int64
}

func newClock(now func() time.Time, floor int64) *clock { return &clock{now: now, floor: floor} }

// read returns the time in Unix seconds and how far it is known.
func (c *clock) read() (now int64, quality string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known {
		return c.signed + int64((c.passed()-c.at)/time.Second), clockTrusted
	}
	wall := c.now().Unix()
	if c.floor == 0 {
		return wall, clockUnknown
	}
	return max(wall, c.floor), clockFloor
}

// set takes a signed time over. It raises the floor no further than until: an
// online key must not be able to end the trust it belongs to.
func (c *clock) set(signed, until int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signed, c.at, c.known = signed, c.passed(), true
	c.floor = max(c.floor, min(signed, until))
}

// passed is the time since boot, with the time asleep.
func (c *clock) passed() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // every kernel since 2.6.39 has this clock
	}
	return time.Duration(ts.Nano())
}

func (c *clock) low() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.floor
}

// wall is the machine's time, never before the floor, for TLS only.
func (c *clock) wall() time.Time {
	now, _ := c.read()
	return time.Unix(now, 0)
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

// ageChallenge counts the uptime that has passed on the challenge: of a boot
// that ended without a word only what was counted before is known.
func (a *Agent) ageChallenge() error {
	a.taking.Lock()
	defer a.taking.Unlock()
	c, ok, err := a.journal.Challenge()
	if err != nil || !ok {
		return err
	}
	seconds, boot, err := uptime()
	if err != nil {
		return err
	}
	if boot == c.Boot {
		c.Spent += seconds - c.Uptime
	} else {
		c.Spent += seconds
	}
	c.Boot, c.Uptime = boot, seconds
	return a.journal.SetChallenge(c)
}
