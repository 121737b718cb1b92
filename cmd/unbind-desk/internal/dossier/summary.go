package dossier

import (
	"time"

	"unbindd/agent/envelope"
)

// Summary is what a verification comes to.
type Summary struct {
	Case     envelope.ID `json:"case,omitempty"` // none where the command did not hold
	Terminal envelope.ID `json:"terminal,omitempty"`
	Result   string      `json:"result"` // of the certificate: complete, partial; none where none held
	Files    int         `json:"files"`  // that are there, without the index
	Indexed  bool        `json:"indexed"`
	At       string      `json:"at,omitempty"`    // when the desk handed the case out, by its index
	State    envelope.ID `json:"state,omitempty"` // of the case then
	Leaves   int64       `json:"leaves,omitempty"`
	Failed   []string    `json:"failed"` // the checks that did, and the command where it does not hold
}

// None is the result of a case that has no certificate which holds.
const None = "none"

// Summary is what was found, in one place.
func (l Looked) Summary() Summary {
	s := Summary{Result: None, Failed: []string{}}
	for _, res := range l.Results {
		if res.Status == Failed || res.Check == "command" && res.Status != OK {
			s.Failed = append(s.Failed, res.Check)
		}
	}
	names, _ := l.r.names() // where they cannot be listed, the index has failed and said so
	s.Files = len(names)
	if l.r.grounds != nil {
		c := l.r.grounds.Command.Command()
		s.Case, s.Terminal = c.Case, c.Terminal
	}
	if l.r.statement != nil {
		s.Result = l.r.statement.Predicate.Result
	}
	if x := l.r.listed; x != nil {
		s.Indexed, s.At, s.State = true, clock(x.At), x.State
		if x.Log != nil {
			s.Leaves = x.Log.Size
		}
	}
	return s
}

// clock is a moment in UTC, as it is told.
func clock(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }
