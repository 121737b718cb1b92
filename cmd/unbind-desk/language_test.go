package main

import (
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// The desk asks the one door for its language: what --lang says that is none of ours takes
// no language away from whoever sits there, and what it does say goes before the variable.
func TestTheDeskHeedsWhatIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		arg, own, machine string
		want              envelope.Language
	}{
		{"--lang=zh", "en", "C", envelope.Chinese},
		{"--lang=en", "zh", "zh_CN.UTF-8", envelope.English},
		{"--lang=fr", "", "zh_CN.UTF-8", envelope.Chinese},
		{"--lang=fr", "en", "zh_CN.UTF-8", envelope.English},
		{"cases", "", "zh_CN.UTF-8", envelope.Chinese},
		{"cases", "", "C", envelope.English},
	} {
		t.Setenv("UNBIND_DESK_LANG", c.own)
		t.Setenv("LC_ALL", c.machine)
		if err := heed([]string{c.arg}); err != nil || language() != c.want {
			t.Errorf("%+v: %s, %v", c, language(), err)
		}
	}
}

// A kind of alarm has one name in Chinese, in the list and in the help.
func TestEveryKindOfAlarmHasItsName(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "zh")
	help, _, _ := verb(t, "alarms", "--help")
	for _, kind := range []string{desk.Zombie, store.SpoiltRow, "overdue"} {
		if name := checkName(kind); !han(name) || !strings.Contains(help, kind+"（") || !strings.Contains(help, `"`+name+`"`) {
			t.Errorf("%s is listed as %s, and the help says: %s", kind, name, help)
		}
	}
	if strings.Contains(help, "僵尸") {
		t.Errorf("the help has another name: %s", help)
	}
}
