package main

import (
	"bytes"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// A warning stands in the status in words, in both languages.
func TestTheStatusWarns(t *testing.T) {
	s := trading()
	s.Warnings = []string{local.WarnSettings, "of a later daemon"}
	for l, want := range map[envelope.Language]string{envelope.English: "Warning     the settings file lies in state_dir", envelope.Chinese: "设置文件位于 state_dir 内"} {
		var out bytes.Buffer
		p := &paper{to: &out, lang: l}
		p.status(s)
		if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "of a later daemon") {
			t.Errorf("%s", out.String())
		}
	}
}
