package main

import (
	"encoding/json"

	"unbindd/agent/local"
)

// ndjson writes the daemon's events as they are, one a line, and events of its
// own without an id: kind before, with what stood when the watch began, kind daemon
// with state silent or back, and kind unreadable.
type ndjson struct{ out *paper }

func (n *ndjson) before(b before) { n.out.one(b) }

func (n *ndjson) status(local.Status) {}

func (n *ndjson) event(e local.Event) { n.out.one(e) }

func (n *ndjson) silent(gone bool) {
	state := "back"
	if gone {
		state = "silent"
	}
	n.out.one(local.Event{Kind: "daemon", State: state})
}

// end writes how it ended as the last line.
func (p *paper) end(e ending) { p.one(e) }

// one writes v as one line of JSON.
func (p *paper) one(v any) {
	text, err := json.Marshal(v)
	if err != nil && p.err == nil {
		p.err = err
		return
	}
	p.raw(string(text) + "\n")
}
