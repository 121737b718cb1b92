package main

import "testing"

const cpuinfo = `processor	: 0
model name	: Fast Chip 9
processor	: 1
model name	: Fast Chip 9
`

func TestProcessor(t *testing.T) {
	if got, want := processor(cpuinfo), "Fast Chip 9, 2 seen by the system"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := processor("processor\t: 0\nModel\t\t: Board 4\n"), "Board 4, 1 seen by the system"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

const mounts = `/dev/a / ext4 rw,relatime 0 0
tmpfs /run tmpfs rw 0 0
/dev/b /srv/a\040b f2fs rw,discard 0 0
/dev/c /srv/a xfs rw 0 0
`

func TestFileSystem(t *testing.T) {
	for path, want := range map[string]string{
		"/home/x":     "ext4 (rw,relatime)",
		"/run/y":      "tmpfs (rw)",
		"/running":    "ext4 (rw,relatime)",
		"/srv/a b/c":  "f2fs (rw,discard)",
		"/srv/a/..b":  "xfs (rw)",
		"/srv/a":      "xfs (rw)",
		"/srv/ab/c/d": "ext4 (rw,relatime)",
	} {
		if got := fileSystem(mounts, path); got != want {
			t.Errorf("%s lies on %q, want %q", path, got, want)
		}
	}
	if got := fileSystem("", "/x"); got != "unknown" {
		t.Errorf("without mounts it is %q", got)
	}
}

func TestUnescapeKeepsWhatIsNoEscape(t *testing.T) {
	for in, want := range map[string]string{`a\040b`: "a b", `a\09`: `a\09`, `\`: `\`, `\999x`: `\999x`} {
		if got := unescape(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
