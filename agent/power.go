package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// supply is what the kernel tells of the power.
type supply struct {
	Mains   bool `json:"mains"`
	Battery bool `json:"battery"`
	Percent int  `json:"percent"` // of the emptiest battery; 100 without one
}

// readPower looks at /sys/class/power_supply. A machine that lists nothing runs
// on mains.
func readPower(path string) (supply, error) {
	s := supply{Percent: 100}
	dirs, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil {
		return s, fmt.Errorf("cannot read the power supply: %w", err)
	}
	for _, dir := range dirs {
		switch attribute(dir, "type") {
		case "Battery":
			s.Battery = true
			n, err := strconv.Atoi(attribute(dir, "capacity"))
			if err != nil {
				n = 0 // a charge that nobody can read is none
			}
			s.Percent = min(s.Percent, n)
		case "Mains", "USB":
			s.Mains = s.Mains || attribute(dir, "online") == "1"
		}
	}
	return s, nil
}

// attribute reads one attribute; what is not there reads as empty.
func attribute(dir, name string) string {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// enough says whether the point of no return may be crossed on this power.
func (s supply) enough(least int) bool { return !s.Battery || s.Mains || s.Percent >= least }

func (s supply) String() string {
	if !s.Battery {
		return "mains"
	}
	return fmt.Sprintf("battery %d percent, mains %v", s.Percent, s.Mains)
}
