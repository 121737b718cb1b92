package main

import (
	"os"
	"strings"
	"testing"
)

// Settings that are not understood keep the daemon from starting, with exit code
// 78, the line, and what to write instead; the state directory is not touched.
func TestWrongSettingsChangeNothing(t *testing.T) {
	t.Parallel()
	w := &world{t: t, dir: t.TempDir()}
	for name, c := range map[string]struct {
		text string
		args []string
		want []string
	}{
		"an unknown key": {
			text: "reader:\n  bauds: 115200\n",
			want: []string{"unbindd.yaml:4:3", `"bauds" is not a key of reader`, "did you mean baud?"},
		},
		"a key twice": {
			text: "link:\n  poll: 6h\n  poll: 7h\n",
			want: []string{"unbindd.yaml:5:3", "link.poll stands here twice", "it stands in line 4 already"},
		},
		"a duration without a unit": {
			text: "link:\n  poll: 50\n",
			want: []string{"unbindd.yaml:4:9", "link.poll: a duration needs a unit", "write 50s, 50m or 50h"},
		},
		"all at once": {
			text: "link:\n  poll: 50\nreader:\n  bauds: 1\n",
			want: []string{"unbindd.yaml:4:9", "unbindd.yaml:6:3"},
		},
		"no YAML": {
			text: "link: [\n",
			want: []string{"unbindd.yaml:3:", "this is not YAML"},
		},
		"a wrong word on the command line": {
			args: []string{"--set", "reader.bauds=1"},
			want: []string{"command line", `"reader.bauds" is not a setting`, "did you mean reader.baud?"},
		},
		"a socket in the folder that is erased": {
			args: []string{"--set", "socket=" + w.path("state", "s")},
			want: []string{"command line", "socket: it lies in state_dir"},
		},
	} {
		config := w.keep("unbindd.yaml", []byte("state_dir: "+w.path("state")+"\nsocket: "+w.path("s")+"\n"+c.text))
		for _, verb := range []string{"check", "run"} {
			_, problems, code := call(t, "unbindd", append([]string{verb, "--config", config}, c.args...)...)
			if code != 78 {
				t.Errorf("%s: unbindd %s ends with %d", name, verb, code)
			}
			for _, want := range c.want {
				if !strings.Contains(problems, want) {
					t.Errorf("%s: unbindd %s does not say %q:\n%s", name, verb, want, problems)
				}
			}
		}
	}
	if left, err := os.ReadDir(w.dir); err != nil || len(left) != 1 {
		t.Errorf("something was made: %v %v", left, err)
	}
}
