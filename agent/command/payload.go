package command

import "unbindd/agent/envelope"

// The actions of a command: profiles of the one plan.
const (
	Rebind     = "rebind"     // 解绑: stays usable for another merchant
	Retire     = "retire"     // 注销: withdrawn
	Replace    = "replace"    // 换机: a successor must be accepted first
	Quarantine = "quarantine" // suspected tampering: the reader is not trusted
)

// The gates of backup.gate: what must hold before anything is erased.
const (
	GateReceipt = "receipt" // the desk's receipt, waited for for ever
	GateSealed  = "sealed"  // the sealed file on a courier medium is enough
	GateNone    = "none"    // no backup at all
)

// The levels a command may ask for.
const (
	Clear = "clear"
	Purge = "purge"
)

// What an amendment may allow.
const (
	AllowReaderAbsent = "reader-absent"
	AllowSealed       = "sealed-backup"
	AllowUnsettled    = "unsettled"
	AllowPartial      = "close-partial"
	AllowEventsLost   = "events-lost" // the reader lost events before anybody had them
)

// Backup says what must be true of the backup; SealedAfter is in hours of
// uptime after which the gate "receipt" relaxes to "sealed" (0: never).
type Backup struct {
	Gate        envelope.ID `json:"gate"`
	SealedAfter int64       `json:"sealed_after,omitempty"`
	Set         envelope.ID `json:"set"`
}

// Named is an object known by id and digest.
type Named struct {
	Digest envelope.Digest `json:"digest"`
	ID     envelope.ID     `json:"id"`
}

// Successor is the terminal that takes over.
type Successor struct {
	Device   envelope.KeyID `json:"device"`
	Terminal envelope.ID    `json:"terminal"`
}

// OpenSum is what may stay unsettled: exactly so many, exactly so much, in
// minor units.
type OpenSum struct {
	Amount   int64       `json:"amount"`
	Count    int64       `json:"count"`
	Currency envelope.ID `json:"currency"`
}

// Command is the signed order to unbind; times are Unix seconds.
type Command struct {
	Action    envelope.ID     `json:"action"`
	Backup    Backup          `json:"backup"`
	Binding   envelope.Digest `json:"binding"`
	Case      envelope.ID     `json:"case"`
	Challenge envelope.ID     `json:"challenge,omitempty"`
	Device    envelope.KeyID  `json:"device"`
	Epoch     int64           `json:"epoch"`
	Exception []OpenSum       `json:"exception,omitempty"`
	ID        envelope.ID     `json:"id"`
	Issued    int64           `json:"issued"`
	Level     envelope.ID     `json:"level"`
	NotAfter  int64           `json:"not_after"`
	NotBefore int64           `json:"not_before"`
	Papers    envelope.Digest `json:"papers,omitempty"`
	Profile   Named           `json:"profile"`
	Reason    envelope.ID     `json:"reason"`
	Root      int64           `json:"root"`
	Scope     []envelope.ID   `json:"scope"`
	Seq       int64           `json:"seq"`
	Successor *Successor      `json:"successor,omitempty"`
	Terminal  envelope.ID     `json:"terminal"`
	V         int             `json:"v"`
}

// Paper is one document somebody saw: its type and hash, never its content.
type Paper struct {
	By   envelope.ID     `json:"by"` // a badge id
	Hash envelope.Digest `json:"hash"`
	Seen int64           `json:"seen"`
	Type envelope.ID     `json:"type"`
}

// Papers is the signed list of documents a command refers to by digest.
type Papers struct {
	Case   envelope.ID `json:"case"`
	Papers []Paper     `json:"papers"`
	V      int         `json:"v"`
}

// Cancel takes a command back, until the point of no return.
type Cancel struct {
	Case     envelope.ID     `json:"case"`
	Command  envelope.Digest `json:"command"`
	Terminal envelope.ID     `json:"terminal"`
	V        int             `json:"v"`
}

// Amend is the only way to change a running case.
type Amend struct {
	Allow     []envelope.ID   `json:"allow"`
	Case      envelope.ID     `json:"case"`
	Command   envelope.Digest `json:"command"`
	Exception []OpenSum       `json:"exception,omitempty"`
	Lost      int64           `json:"lost,omitempty"` // exactly how many events the reader may have lost
	N         int64           `json:"n"`
	Terminal  envelope.ID     `json:"terminal"`
	V         int             `json:"v"`
}

// Close forces a case to its end without a receipt for the certificate.
type Close struct {
	Case        envelope.ID     `json:"case"`
	Certificate envelope.Digest `json:"certificate"`
	Terminal    envelope.ID     `json:"terminal"`
	V           int             `json:"v"`
}

// Relaxed says whether the command asks for less than a receipt, which takes
// one more role's signature.
func (c *Command) Relaxed() bool { return c.Backup.Gate != GateReceipt || c.Backup.SealedAfter != 0 }
