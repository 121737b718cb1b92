package main

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"unbindd/device/devicesim"
)

// init makes the key slots of the protocol that it is told.
func TestInitMakesTheSlotsOfAProtocol(t *testing.T) {
	for protocol, want := range map[string][]string{
		"pedlink": {"IPEK", "TAK", "TDK", "TLK", "TMK", "TPK"}, "mpos": {"IPEK", "TAK", "TDK", "TLK", "TMK", "TPK"}, "ccid": nil,
	} {
		s := newShop(t)
		must(t, s.run("init", "--nvm", s.path("other"), "--serial", "PED-0002", "--protocol", protocol,
			"--ticket-key", s.path("ticket.pub"), "--out", s.path("other.json")))
		text, err := os.ReadFile(s.path("other.json"))
		must(t, err)
		var in devicesim.Injection
		must(t, json.Unmarshal(text, &in))
		var types []string
		for _, k := range in.Slots {
			types = append(types, k.Type)
		}
		slices.Sort(types)
		if types = slices.Compact(types); !slices.Equal(types, want) {
			t.Errorf("%s: %v", protocol, types)
		}
	}
}

func TestInitOfAnUnknownProtocolLeavesNothing(t *testing.T) {
	s := newShop(t)
	err := s.run("init", "--nvm", s.path("other"), "--serial", "PED-0002", "--protocol", "telex",
		"--ticket-key", s.path("ticket.pub"), "--out", s.path("other.json"))
	if err == nil {
		t.Error("a reader of an unknown protocol was made")
	}
	for _, name := range []string{"other", "other.json"} {
		if _, err := os.Stat(s.path(name)); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
}
