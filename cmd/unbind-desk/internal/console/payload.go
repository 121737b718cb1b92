package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// field is one value of what is signed: where it stands, what it is called, and
// what it says. The value is the signed one; Means is the same for people.
type field struct {
	Path, Name, Value, Means string
}

// ordered is everything that a signature on a command is for.
type ordered struct {
	Digest  envelope.Digest
	Type    string
	Size    int
	Payload string // the signed bytes
	Fields  []field
	Warns   []string
	command.Command
}

// orderedBy reads a command as it would be signed. Its fields are taken from the
// signed bytes, every one of them, and not from a list of those that are known.
func (s speech) orderedBy(e *envelope.Envelope) (ordered, error) {
	out := ordered{Digest: e.Digest(), Type: e.PayloadType, Size: len(e.Payload), Payload: string(e.Payload)}
	if err := envelope.Decode(e.Payload, &out.Command); err != nil {
		return out, err
	}
	d := json.NewDecoder(bytes.NewReader(e.Payload))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return out, fmt.Errorf("cannot read the command: %w", err)
	}
	s.leaves("", tree, func(f field) { out.Fields = append(out.Fields, f) })
	if out.Relaxed() {
		out.Warns = append(out.Warns, s.T("warn.relaxed"))
	}
	if out.Backup.Gate == command.GateNone {
		out.Warns = append(out.Warns, s.T("warn.none"))
	}
	if len(out.Exception) > 0 {
		out.Warns = append(out.Warns, s.T("warn.unsettled"))
	}
	return out, nil
}

// leaves calls each for every value that has no others below it, in the order of
// the signed bytes: names are sorted there.
func (s speech) leaves(path string, node any, each func(field)) {
	switch node := node.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(node)) {
			s.leaves(strings.TrimPrefix(path+"."+name, "."), node[name], each)
		}
	case []any:
		for i, item := range node {
			s.leaves(path+"["+strconv.Itoa(i)+"]", item, each)
		}
	default:
		value := asText(node)
		each(field{path, s.fieldName(path), value, s.means(path, value)})
	}
}

// fieldName is what a field is called; its place in a list stays in the path.
func (s speech) fieldName(path string) string {
	plain, _, _ := strings.Cut(path, "[")
	if _, rest, ok := strings.Cut(path, "]"); ok {
		plain += rest
	}
	key := "field." + plain
	if name := s.T(key); name != missing(key) {
		return name
	}
	return path
}

// means says a value for people where its form does not.
func (s speech) means(path, value string) string {
	plain, _, _ := strings.Cut(path, "[")
	if slices.Contains([]string{"issued", "not_before", "not_after"}, plain) {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return time.Unix(n, 0).UTC().Format("2006-01-02 15:04:05 UTC")
		}
	}
	kind := map[string]string{"action": "action", "backup.gate": "gate", "level": "level", "scope": "scope", "reason": "reason"}[plain]
	if kind == "" {
		return ""
	}
	if name := s.Word(kind, value); name != value {
		return name
	}
	return ""
}

func asText(v any) string { return fmt.Sprint(v) }
