package device

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// DriverAuto as Config.Driver leaves the protocol open: it is found by probing.
const DriverAuto = "auto"

// Config says where the card reader is and how to speak with it.
type Config struct {
	Driver string `yaml:"driver" mapstructure:"driver"` // protocol, one of DriverNames, or DriverAuto
	Path   string `yaml:"path" mapstructure:"path"`     // absolute path of the tty
	Baud   int    `yaml:"baud" mapstructure:"baud"`     // bits per second; 0: found by probing
}

// Validate returns every problem of the settings at once, or nil.
func (c Config) Validate() error {
	var problems []error
	if _, known := driverNamed(c.Driver); !known && c.Driver != DriverAuto {
		problems = append(problems, fmt.Errorf("driver: %q is not known, use one of %s, or %s to find it", c.Driver, strings.Join(DriverNames(), ", "), DriverAuto))
	}
	if !filepath.IsAbs(c.Path) {
		problems = append(problems, fmt.Errorf("path: %q is not an absolute path", c.Path))
	}
	if c.Baud != 0 && speeds[c.Baud] == 0 {
		problems = append(problems, fmt.Errorf("baud: %d is not a speed of a serial line; 0 finds it", c.Baud))
	}
	return errors.Join(problems...)
}

// RetryConfig holds every waiting time of the conversation; a zero field means its default.
type RetryConfig struct {
	Ack          time.Duration // acknowledgement of a frame, besides the time the bytes take; 150 ms
	Response     time.Duration // answer to an acknowledged command; 3 s
	Gap          time.Duration // silence that ends a partial frame, besides 20 characters; 50 ms
	Write        time.Duration // a write that takes longer closes the line; 5 s
	KeepAlive    time.Duration // silence after which the reader is asked whether it lives; 10 s
	Probe        time.Duration // Ack while protocols and speeds are tried out, see probing; 100 ms
	BackoffFirst time.Duration // pause after the first failed attempt, doubled each time; 200 ms
	BackoffMax   time.Duration // longest pause; 10 s
	Locked       time.Duration // pause after a refused pairing, so that nobody hammers; 30 s
}

func (c RetryConfig) withDefaults() RetryConfig {
	fill := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	fill(&c.Ack, 150*time.Millisecond)
	fill(&c.Response, 3*time.Second)
	fill(&c.Gap, 50*time.Millisecond)
	fill(&c.Write, 5*time.Second)
	fill(&c.KeepAlive, 10*time.Second)
	fill(&c.Probe, 100*time.Millisecond)
	fill(&c.BackoffFirst, 200*time.Millisecond)
	fill(&c.BackoffMax, 10*time.Second)
	fill(&c.Locked, 30*time.Second)
	return c
}

// after is the pause after a connection that lived for so long. One that died sooner than a keep-alive would have come
// proves nothing: a line that is lost behind every connection must not be opened five times a second.
func (c RetryConfig) after(lived, pause time.Duration) time.Duration {
	if lived < c.KeepAlive {
		return pause
	}
	return c.BackoffFirst
}

// probing is the patience with a protocol or speed that may be the wrong one: most of them are met with silence.
func (c RetryConfig) probing() RetryConfig {
	c.Ack, c.Response = c.Probe, 3*c.Probe
	return c
}
