package devicesim

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// front is one protocol on an open line. One goroutine owns it.
type front interface {
	// run serves the line until it ends, stop is closed or the power goes.
	run(stop <-chan struct{}) error
}

// fronts are the protocols a reader can be switched on with; all of them stand before the same memory.
var fronts = map[string]func(*Sim, io.ReadWriter) front{
	"ccid":    func(s *Sim, line io.ReadWriter) front { return newCCID(s, line) },
	"pedlink": func(s *Sim, line io.ReadWriter) front { return newEngine(s, line) },
	"mpos":    func(s *Sim, line io.ReadWriter) front { return newMposEngine(s, line) },
}

// Protocols lists what Options.Protocol can be, sorted.
func Protocols() []string {
	var names []string
	for name := range fronts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func checkProtocol(name string) error {
	if fronts[name] == nil {
		return fmt.Errorf("protocol %q is not one of %s", name, strings.Join(Protocols(), " "))
	}
	return nil
}
