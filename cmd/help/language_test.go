package help

import (
	"strings"
	"testing"
)

// The same name means the same language everywhere, and the first variable that says
// anything decides.
func TestWhichLanguageIsAskedFor(t *testing.T) {
	for env, chinese := range map[string]bool{
		"":                                   false,
		"LANG=zh_CN.UTF-8":                   true,
		"LANG=zh":                            true,
		"LANG=ZH-Hans":                       true,
		"LANG=zha":                           false,
		"LANG=C":                             false,
		"LANG=en_GB.UTF-8":                   false,
		"LANG=C LC_MESSAGES=zh_CN":           true,
		"LANG=zh LC_MESSAGES=en LC_ALL=zh@x": true,
		"LANG=zh LC_ALL=C.UTF-8":             false,
		"LANG=zh OWN=en":                     false,
		"LANG=C OWN=zh":                      true,
		"LANG=zh LC_ALL=de OWN=fr":           false,
	} {
		said := map[string]string{}
		for _, pair := range strings.Fields(env) {
			name, value, _ := strings.Cut(pair, "=")
			said[name] = value
		}
		if got := Machine(func(name string) string { return said[name] }, "OWN"); got != chinese {
			t.Errorf("%q: Chinese is %v", env, got)
		}
	}
	for call, chinese := range map[string]bool{"LANG=zh": true, "LANG=C": false, "LANG=zh --lang=en": false, "LANG=C --lang=zh": true, "LANG=C OWN=en --lang=zh_CN": true, "LANG=zh --lang=fr": true, "LANG=zh OWN=en --lang=fr": false} {
		said, args := map[string]string{}, strings.Fields(call)
		for _, arg := range args {
			name, value, _ := strings.Cut(arg, "=")
			said[name] = value
		}
		if Wanted(args, func(name string) string { return said[name] }, "OWN") != chinese {
			t.Errorf("%q: Chinese is %v", call, !chinese)
		}
	}
	for args, want := range map[string]string{
		"status": "", "status --lang zh": "zh", "--lang=zh status": "zh", "--lang en status --lang=zh": "zh", "status --lang": "", "sign -- --lang zh": "",
	} {
		if got := Asked(strings.Fields(args)); got != want {
			t.Errorf("%q asks for %q", args, got)
		}
	}
	for name, want := range map[string]bool{"zh": true, "en": true, "en_GB": true, "fr": false, "": false} {
		if _, ours := Language(name); ours != want {
			t.Errorf("%q is ours: %v", name, ours)
		}
	}
}
