package certificate

import (
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// The fixed names of the statement.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "urn:unbindd:sanitization:v1"
)

// The results of an unbinding.
const (
	Complete = "complete"
	Partial  = "partial"
)

// The outcomes of a check.
const (
	Pass    = "pass"
	Fail    = "fail"
	Unknown = "unknown"
)

// Statement is the payload: in-toto Statement v1.
type Statement struct {
	Type          string    `json:"_type"`
	Predicate     Predicate `json:"predicate"`
	PredicateType string    `json:"predicateType"`
	Subject       []Subject `json:"subject"`
}

// Subject is one object by name and digest: command, manifest, sealed file.
type Subject struct {
	Digest map[string]string `json:"digest"` // sha256: 64 hex digits
	Name   string            `json:"name"`
}

// Terminal is the device as SP 800-88 wants it named.
type Terminal struct {
	Agent        string      `json:"agent"`
	Epoch        int64       `json:"epoch"`
	ID           envelope.ID `json:"id"`
	Manufacturer string      `json:"manufacturer"`
	Model        string      `json:"model"`
	Property     string      `json:"property"`
	Serial       envelope.ID `json:"serial"`
}

// Command is the order and the holders behind it.
type Command struct {
	Action    envelope.ID      `json:"action"`
	Approvers []trust.Approver `json:"approvers"`
	Digest    envelope.Digest  `json:"digest"`
	Profile   envelope.ID      `json:"profile"`
	Reason    envelope.ID      `json:"reason"`
}

// Check is one line of the gate before the point of no return.
type Check struct {
	Check  string `json:"check"`
	Detail string `json:"detail"`
	OK     bool   `json:"ok"`
}

// Medium is what was done to one target of the host.
type Medium struct {
	Bytes          int64    `json:"bytes"`
	Items          int64    `json:"items"`
	Kind           string   `json:"kind"`
	LevelAchieved  string   `json:"level_achieved"`
	LevelRequested string   `json:"level_requested"`
	Method         string   `json:"method"`
	Name           string   `json:"name"`
	Reason         string   `json:"reason,omitempty"`
	Residual       []string `json:"residual"`
	Standard       string   `json:"standard"`
	Technique      string   `json:"technique"`
	Type           string   `json:"type"`
	Verified       string   `json:"verified"`
}

// Slot is what was done to one key slot of the reader.
type Slot struct {
	After  string `json:"after"` // empty, answers, refused, unknown
	KCV    string `json:"kcv"`
	Method string `json:"method"`
	Probe  string `json:"probe,omitempty"` // Asked: the reader was asked for the key's check value, no key was used
	Slot   int64  `json:"slot"`
	Type   string `json:"type"`
}

// Asked is a probe that rests on the reader's word, as a list does.
const Asked = "asked"

// Retained is a key that stays in the reader on purpose.
type Retained struct {
	Slot int64  `json:"slot"`
	Type string `json:"type"`
	Why  string `json:"why"`
}

// Record is the reader's own signed word about its erase.
type Record struct {
	EraCnt  int64        `json:"eracnt"`
	Nonce   []byte       `json:"nonce"`
	Results []SlotResult `json:"results"`
	Sig     []byte       `json:"sig"`
	SN      envelope.ID  `json:"sn"`
	Ticket  []byte       `json:"ticket"` // SHA-256 of the ticket's message
}

// SlotResult is the reader's word on one slot: 0 erased, 1 was empty, 2 failed.
type SlotResult struct {
	Result int64 `json:"result"`
	Slot   int64 `json:"slot"`
}

// Reader is what was done to the card reader. Outcome is erased, incomplete,
// refused, unverified, unsupported, missing, foreign or not-started.
type Reader struct {
	Authenticated bool        `json:"authenticated"`
	Detail        string      `json:"detail,omitempty"`
	Firmware      string      `json:"firmware"`
	Outcome       string      `json:"outcome"`
	Record        *Record     `json:"record,omitempty"`
	Retained      []Retained  `json:"retained"`
	Slots         []Slot      `json:"slots"`
	SN            envelope.ID `json:"sn"`
	Unsupported   []string    `json:"unsupported,omitempty"` // what an unbinding uses and the reader cannot do
}

// Software says what was removed by inventory and what is still there.
type Software struct {
	Removed int64    `json:"removed"`
	Residue []string `json:"residue"`
}

// Copies is what was there to be erased, what is left of it, and where else
// copies may be.
type Copies struct {
	Elsewhere []string `json:"elsewhere"` // code words for what no target reaches
	Places    []Place  `json:"places"`
}

// Place is one target in the list from before the erasure and in the one from
// after the software was removed. Names of files are in neither.
type Place struct {
	Appeared  int64  `json:"appeared"` // names that came after the first list
	Bytes     int64  `json:"bytes"`
	Items     int64  `json:"items"`
	Left      int64  `json:"left"` // names that are still there
	Name      string `json:"name"`
	Uncounted bool   `json:"uncounted,omitempty"` // more may have appeared than could be told apart
	Unseen    bool   `json:"unseen,omitempty"`    // nobody could look into it, before or after
}

// OpenSum is what was not settled.
type OpenSum struct {
	Amount   int64       `json:"amount"`
	Count    int64       `json:"count"`
	Currency envelope.ID `json:"currency"`
}

// Settlement lists what stayed open and what allowed it.
type Settlement struct {
	Exception envelope.Digest `json:"exception,omitempty"` // of the command or amendment
	Open      []OpenSum       `json:"open"`
}

// Person is who did or saw something; Who is a badge id, never a name.
type Person struct {
	What envelope.ID `json:"what"`
	When int64       `json:"when"`
	Who  envelope.ID `json:"who"`
}

// Left is what is still there when the certificate is signed, and when it goes.
type Left struct {
	Destroy string `json:"destroy"`
	Name    string `json:"name"`
}

// Authority is what allowed the point of no return: a receipt, or a command or
// amendment that allows its absence.
type Authority struct {
	Digest envelope.Digest `json:"digest"`
	Index  int64           `json:"index"`
	Kind   envelope.ID     `json:"kind"`
}

// Predicate is the content of the certificate. Its members stand in alphabetical
// order, as in every type here, so that reading one back is quick.
type Predicate struct {
	Amendments []envelope.Digest `json:"amendments,omitempty"`
	Binding    envelope.Digest   `json:"binding"`
	Case       envelope.ID       `json:"case"`
	Clock      string            `json:"clock"` // trusted, floor, unknown
	Command    Command           `json:"command"`
	Copies     *Copies           `json:"copies,omitempty"`
	Finished   int64             `json:"finished"`
	Gate       []Check           `json:"gate"`
	Left       []Left            `json:"left"`
	Media      []Medium          `json:"media"`
	Missing    []string          `json:"missing"`
	N          int64             `json:"n"`
	Next       string            `json:"next,omitempty"` // the next action of a partial one
	Papers     envelope.Digest   `json:"papers,omitempty"`
	People     []Person          `json:"people"`
	Reader     Reader            `json:"reader"`
	Receipt    Authority         `json:"receipt"`
	Result     string            `json:"result"`
	Settlement Settlement        `json:"settlement"`
	Software   Software          `json:"software"`
	Started    int64             `json:"started"`
	Successor  *envelope.Digest  `json:"successor,omitempty"`
	Supersedes envelope.Digest   `json:"supersedes,omitempty"`
	Terminal   Terminal          `json:"terminal"`
	Tombstone  envelope.Digest   `json:"tombstone"`
	Validation string            `json:"validation,omitempty"` // Pending: whether the outcome is good enough is for another person to say
	Verified   string            `json:"verified"`             // what the second look at everything found: pass, fail, unknown
}

// New is an empty statement with its fixed parts.
func New() Statement {
	return Statement{Type: StatementType, PredicateType: PredicateType, Predicate: Predicate{
		Gate: []Check{}, Left: []Left{}, Media: []Medium{}, People: []Person{},
		Reader:     Reader{Retained: []Retained{}, Slots: []Slot{}},
		Software:   Software{Residue: []string{}},
		Settlement: Settlement{Open: []OpenSum{}},
		Missing:    []string{},
		Validation: Pending,
	}}
}

// Missing names the fields of SP 800-88r2 section 4.6 (as secondary texts give
// them) that this statement cannot fill; none is left out in silence.
func (p *Predicate) missing() []string {
	out := []string{
		"media source", "pre-sanitization confidentiality categorization", "validation",
		"name, title, location, contact and signature of the people who verified and validated",
	}
	for _, f := range []struct{ name, value string }{
		{"manufacturer", p.Terminal.Manufacturer}, {"model", p.Terminal.Model}, {"property number", p.Terminal.Property},
	} {
		if f.value == "" {
			out = append(out, f.name)
		}
	}
	return out
}
