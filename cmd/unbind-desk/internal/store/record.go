package store

import (
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
)

// Terminal is what the desk knows of one terminal; Binding is empty until it
// has enrolled.
type Terminal struct {
	ID        envelope.ID     `json:"id"`
	Epoch     int64           `json:"epoch"`             // the last one given
	Binding   envelope.Digest `json:"binding,omitempty"` // the present one
	Nonce     envelope.ID     `json:"nonce,omitempty"`   // of the last enrolment ticket
	Published int64           `json:"published"`         // highest number of a published command in this epoch
	Case      envelope.ID     `json:"case,omitempty"`    // the last published one
	Earlier   envelope.ID     `json:"earlier,omitempty"` // one before it, whose command was refused and taken after all
}

// Cases are those in which the terminal may have to act, the oldest first.
func (t Terminal) Cases() (ids []envelope.ID) {
	for _, id := range []envelope.ID{t.Earlier, t.Case} {
		if id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// Enrolment is a ticket that was given out and, once used, what it led to.
// Account and USCC are element digests; the values are not kept.
type Enrolment struct {
	Nonce    envelope.ID     `json:"nonce"`
	Terminal envelope.ID     `json:"terminal"`
	Serial   envelope.ID     `json:"serial"`
	Acquirer envelope.ID     `json:"acquirer"`
	Merchant envelope.ID     `json:"merchant"`
	Account  envelope.Digest `json:"account"`
	USCC     envelope.Digest `json:"uscc"`
	Reader   enrol.Reader    `json:"reader"`
	Ticket   []byte          `json:"ticket"` // the envelope
	Made     int64           `json:"made"`
	Request  []byte          `json:"request,omitempty"` // the envelope that used it
	Binding  envelope.Digest `json:"binding,omitempty"`
}

// Binding is one enrolment's binding with the ticket it came from.
type Binding struct {
	Digest   envelope.Digest `json:"digest"`
	Terminal envelope.ID     `json:"terminal"`
	Epoch    int64           `json:"epoch"`
	Envelope []byte          `json:"envelope"`
	Nonce    envelope.ID     `json:"nonce"`
}

// Client is a client certificate that was issued, found by its key's digest.
type Client struct {
	SPKI     envelope.Digest `json:"spki"`
	Serial   string          `json:"serial"`
	Terminal envelope.ID     `json:"terminal"`
	Binding  envelope.Digest `json:"binding"`
}

// Case is one unbinding. Draft is the command as it was issued, with the
// signatures that were collected. Version counts the changes of the case.
type Case struct {
	ID       envelope.ID     `json:"id"`
	Terminal envelope.ID     `json:"terminal"`
	State    string          `json:"state"`
	Since    int64           `json:"since"` // Unix seconds
	Command  envelope.Digest `json:"command"`
	Binding  envelope.Digest `json:"binding"`
	Draft    []byte          `json:"draft"`
	Version  int64           `json:"version"`
	Campaign envelope.Digest `json:"campaign,omitempty"` // it was published in
}

// Key names an object: idempotency is by case, kind and number.
type Key struct {
	Case envelope.ID
	Kind string
	N    int64
}

// Object is one object of a case as it was accepted; Leaf is its number in the
// log, from 0.
type Object struct {
	N        int64           `json:"n"`
	Digest   envelope.Digest `json:"digest"`
	Body     []byte          `json:"body"`
	Received int64           `json:"received"`
	Leaf     int64           `json:"leaf"`
}

// Entry is one line of a case's history.
type Entry struct {
	At    int64  `json:"at"`
	State string `json:"state"` // the state after it
	What  string `json:"what"`
}
