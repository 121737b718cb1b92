package wipe

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Mount is one line of /proc/self/mountinfo.
type Mount struct {
	ID      int
	Dev     string   // major:minor
	Root    string   // what of the file system is shown here; not "/" means a bind mount
	Point   string   // where
	Options []string // of this mount
	Type    string   // the file system's
	Source  string
	Super   []string // of the file system
}

var errMounts = errors.New("a line of the mounts has an unknown form")

// parseMounts reads /proc/self/mountinfo.
func parseMounts(text []byte) ([]Mount, error) {
	var all []Mount
	for _, line := range bytes.Split(text, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		m, err := parseMount(string(line))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// parseMount reads one line: six fields, optional ones, a dash, three more.
func parseMount(line string) (Mount, error) {
	f := strings.Split(line, " ")
	dash := slices.Index(f, "-")
	if dash < 6 || len(f) < dash+4 {
		return Mount{}, errMounts
	}
	id, err := strconv.Atoi(f[0])
	if err != nil {
		return Mount{}, errMounts
	}
	return Mount{
		ID: id, Dev: f[2], Root: unescaped(f[3]), Point: unescaped(f[4]), Options: strings.Split(f[5], ","),
		Type: f[dash+1], Source: unescaped(f[dash+2]), Super: strings.Split(f[dash+3], ","),
	}, nil
}

// unescaped puts back what the kernel writes as a backslash and three octal
// digits: blank, tab, line end, backslash.
func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// option finds an option of the mount or of its file system; its value is ""
// where it has none.
func (m Mount) option(name string) (value string, there bool) {
	for _, o := range slices.Concat(m.Options, m.Super) {
		if key, v, _ := strings.Cut(o, "="); key == name {
			return v, true
		}
	}
	return "", false
}
