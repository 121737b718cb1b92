package agent

import (
	"encoding/json"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// timeTries is how often a command that asks the clock stays at the desk because
// the desk's time could not be had: a network that spoils one answer must not end a
// case. Then it is taken and refused (E15), so that people learn of it.
const timeTries = 10

// needsTime says that a bundle brings a command that asks the clock, which nobody
// here may trust yet.
func (a *Agent) needsTime(text []byte) bool {
	var b bundle
	if _, quality := a.clock.read(); quality == clockTrusted || json.Unmarshal(text, &b) != nil {
		return false
	}
	if m := a.mode(); m != local.Trading && m != local.Blocked {
		return false // a case runs: what comes is for it
	}
	for _, order := range b.Orders {
		e, err := envelope.Parse(order, envelope.MaxCommand)
		if err != nil || e.PayloadType != envelope.Type(command.Kind) {
			continue
		}
		var said command.Command // only to see whether it answers a challenge
		if envelope.Decode(e.Payload, &said) == nil && said.Challenge == "" {
			return true
		}
	}
	return false
}
