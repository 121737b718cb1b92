// Package courier carries between a folder on a medium and a running desk, both ways:
// what terminals put out goes in at the doors that serve them over the network, and
// what the desk has for them is laid down for them to find.
//
// It promises that the desk judges everything, and this package nothing: it moves bytes
// and names what became of each. One object that is refused, or one terminal whose
// folder cannot be read, holds up no other. Nothing that a terminal put out is changed
// or taken away; what is laid down is durable before it is told. Carrying the same
// folder twice changes nothing.
//
//	courier.go  Trip: one folder, once through
//	brought.go  what the terminals put out
//	given.go    what they get
package courier

import (
	"context"
	"io"
	"slices"
	"time"

	"unbindd/transport"
)

// Desk is the running desk, as a terminal of it is served.
type Desk interface {
	// Waiting is what waits for a terminal.
	Waiting(ctx context.Context, terminal string) ([]byte, error)
	// Deliver hands in one object and brings the receipt.
	Deliver(ctx context.Context, terminal, caseID, kind string, n, size int64, digest string, body io.Reader) ([]byte, error)
	// Fetch reads one object back.
	Fetch(ctx context.Context, terminal, caseID, kind string, n int64) ([]byte, error)
}

// Outcome is what became of one object.
type Outcome string

// What may become of an object.
const (
	Receipted  Outcome = "receipted"   // the desk has it, and its receipt is laid down
	Kept       Outcome = "kept"        // the desk has it, and signs nothing for it
	Refused    Outcome = "refused"     // and why
	Strange    Outcome = "strange"     // it is nothing that a terminal writes, and was left alone
	Laid       Outcome = "laid-down"   // for the terminal to find
	Unchanged  Outcome = "unchanged"   // it lay there already
	TakenAway  Outcome = "taken-away"  // orders that wait no more
	NotYet     Outcome = "not-yet"     // the desk has none yet: come again
	PassedOver Outcome = "passed-over" // a terminal that is not of this desk
)

// Word is what became of one object.
type Word struct {
	Terminal string  `json:"terminal,omitempty"`
	Case     string  `json:"case,omitempty"`
	Object   string  `json:"object,omitempty"`
	Outcome  Outcome `json:"outcome"`
	Err      error   `json:"-"`
}

// Trip is one folder on its way through the desk.
type Trip struct {
	Desk Desk
	// Terminals are those that get their orders also where they have no folder yet.
	Terminals []string
	// Wait is how long a ticket is waited for that the signer has still to make.
	Wait time.Duration
	// Nothing says of an error that the desk has nothing of the kind, and Ends of one
	// that nobody else will fare better: the desk is not running.
	Nothing, Ends func(error) bool
	// Tell is told of every object.
	Tell func(Word)

	folder *transport.Folder
}

// ErrNoMedium says that the folder is no courier's medium.
var ErrNoMedium = transport.ErrNoMedium

// Open opens the folder where the medium is mounted.
func (t *Trip) Open(path string) (err error) {
	t.folder, err = transport.OpenFolder(path)
	return err
}

// Close gives the folder back.
func (t *Trip) Close() error { return t.folder.Close() }

// Run goes through the folder once. It fails where the folder cannot be read or the
// desk does not answer; what the desk refuses is told and is no failure.
func (t *Trip) Run(ctx context.Context) error {
	terminals, strange, err := t.folder.Terminals()
	if err != nil {
		return err
	}
	for _, name := range strange {
		t.Tell(Word{Object: name, Outcome: Strange})
	}
	for _, id := range t.Terminals {
		if !slices.Contains(terminals, id) {
			terminals = append(terminals, id)
		}
	}
	for _, id := range terminals {
		if err := t.terminal(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// terminal goes through one terminal's folder: in first, so that what it gets is the
// answer to it.
func (t *Trip) terminal(ctx context.Context, id string) error {
	if _, err := t.Desk.Waiting(ctx, id); t.Ends(err) {
		return err
	} else if t.unknown(err) {
		t.Tell(Word{Terminal: id, Outcome: PassedOver, Err: err})
		return nil
	}
	cases, strange, err := t.folder.Cases(id)
	if err != nil && !slices.Contains(t.Terminals, id) {
		t.Tell(Word{Terminal: id, Outcome: Refused, Err: err})
		return nil
	}
	for _, name := range strange {
		t.Tell(Word{Terminal: id, Object: name, Outcome: Strange})
	}
	for _, in := range cases {
		if err := t.bring(ctx, id, in); err != nil {
			return err
		}
	}
	return t.orders(ctx, id)
}
