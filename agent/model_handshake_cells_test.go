package agent

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"unbindd/agent/journal"
)

// cells are a journal's names and values as they are on disk: bucket, NUL, key.
// What was committed is never changed.
type cells map[string]string

// drawer is a journal's store in the model of the hand-shake. Before a commit that
// writes something the model decides whether the power goes before or after it.
type drawer struct {
	now   cells
	ask   func(before, after cells) (commit, cut bool)
	spoil func(before, after cells) cells // a mistake, for the model to find; or nil
	hides string                          // a name that nobody can read; or ""
}

func (d *drawer) View(do func(journal.Tx) error) error {
	return do(&drawn{cells: d.now, hides: d.hides})
}

func (d *drawer) Close() error { return nil }

func (d *drawer) Update(do func(journal.Tx) error) error {
	tx := &drawn{cells: d.now, hides: d.hides}
	if err := do(tx); err != nil || !tx.own || maps.Equal(tx.cells, d.now) {
		return err
	}
	after := tx.cells
	if onlyWaited(d.now, tx.cells) {
		d.now = tx.cells
		return nil
	}
	if d.spoil != nil {
		after = d.spoil(d.now, after)
	}
	commit, cut := true, false
	if d.ask != nil {
		commit, cut = d.ask(d.now, after)
	}
	if commit {
		d.now = after
	}
	if cut {
		panic(cutHere{})
	}
	return nil
}

// onlyWaited says whether a commit writes nothing but how long the desk was silent,
// which happens or not by the second: no search may depend on it, and nothing here
// does, for no command of the model relaxes its gate by waiting.
func onlyWaited(before, after cells) bool {
	const waited = "notes\x00" + noteWaited
	if before[waited] == after[waited] {
		return false
	}
	same := maps.Clone(after)
	same[waited] = before[waited]
	return maps.Equal(before, same) || before[waited] == "" && len(after) == len(before)+1
}

type drawn struct {
	cells cells
	own   bool
	hides string
}

func cellOf(bucket, key []byte) string { return string(bucket) + "\x00" + string(key) }

func (t *drawn) Get(bucket, key []byte) []byte {
	if v, ok := t.cells[cellOf(bucket, key)]; ok && cellOf(bucket, key) != t.hides {
		return []byte(v)
	}
	return nil
}

func (t *drawn) change() cells {
	if !t.own {
		t.cells, t.own = maps.Clone(t.cells), true
		if t.cells == nil {
			t.cells = cells{}
		}
	}
	return t.cells
}

func (t *drawn) Put(bucket, key, value []byte) error {
	t.change()[cellOf(bucket, key)] = string(value)
	return nil
}

func (t *drawn) Delete(bucket, key []byte) error {
	delete(t.change(), cellOf(bucket, key))
	return nil
}

func (t *drawn) Each(bucket []byte, do func(key, value []byte) error) error {
	for _, name := range slices.Sorted(maps.Keys(t.cells)) {
		key, in := strings.CutPrefix(name, string(bucket)+"\x00")
		if in && key != sequence {
			if err := do([]byte(key), []byte(t.cells[name])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *drawn) Empty(bucket []byte) error {
	maps.DeleteFunc(t.change(), func(name, _ string) bool { return strings.HasPrefix(name, string(bucket)+"\x00") })
	return nil
}

func (t *drawn) Next(bucket []byte) (uint64, error) {
	n := uint64(1)
	if last := t.Get(bucket, []byte(sequence)); len(last) == 8 {
		n = binary.BigEndian.Uint64(last) + 1
	}
	return n, t.Put(bucket, []byte(sequence), binary.BigEndian.AppendUint64(nil, n))
}

// note reads a note; false where there is none.
func (c cells) note(name string, v any) bool {
	text, ok := c["notes\x00"+name]
	if !ok {
		return false
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		panic(err)
	}
	return true
}

func (c cells) run() journal.Run { return decoded(runs, c["run\x00head"]) }

func (c cells) step(name string) string { return decoded(statuses, c["steps\x00"+name]).State }

// What was decoded once is not decoded again: one search asks at a time.
var (
	runs     = map[string]journal.Run{}
	statuses = map[string]journal.Status{}
)

func decoded[T any](known map[string]T, text string) T {
	v, is := known[text]
	if is || text == "" {
		return v
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	known[text] = v
	return v
}

// outbox says whether there are parcels that are not delivered yet.
func (c cells) outbox() bool {
	for name := range c {
		if key, is := strings.CutPrefix(name, "outbox\x00"); is && key != sequence {
			return true
		}
	}
	return false
}
