// Package local is the terminal's own API on a Unix socket: what the daemon
// tells a tool on the same machine, and the client such a tool uses. HTTP and
// JSON; only fields are ever added.
//
// It promises that whatever is shown can be shown to anyone in the shop: no
// key, no card number, no sum of one transaction.
//
//	local.go   the answers
//	plan.go    the dry run: what would be erased, kept and uploaded
//	reader.go  what is on the serial line
//	client.go  asks them, and follows the events
package local

// Schema names the form of every answer.
const Schema = "unbindd/v1"

// The modes of a terminal.
const (
	Unenrolled = "unenrolled" // nothing bound, nothing to do
	Trading    = "trading"
	Blocked    = "cannot-trade" // bound, and cannot trade: the alarm says why; commands are taken
	Obeying    = "obeying"
	Unbound    = "unbound" // a tombstone is all that is left
)

// The warnings of a status.
const (
	WarnSettings = "settings-in-state-dir" // the settings file lies in the state directory
	WarnForked   = "log-forked"            // the desk has signed two logs that are not one
	WarnBehind   = "log-behind"            // the desk's log is shorter than it was
	WarnUnproven = "log-unproven"          // a receipt came without a proof that holds
)

// WarnBroker says that the broker is reached and does not let this terminal in.
const WarnBroker = "broker-denied"

// The states of a step.
const (
	Todo   = "todo"
	Doing  = "doing"
	Done   = "done"
	Undone = "undone"
	Open   = "open" // final, could not be done for now; the case is in quarantine
)

// Status is GET /v1/status.
type Status struct {
	Schema    string     `json:"schema"`
	Version   string     `json:"version"`
	Mode      string     `json:"mode"`
	Terminal  string     `json:"terminal,omitempty"`
	Epoch     int64      `json:"epoch,omitempty"`
	Trust     int64      `json:"trust,omitempty"` // version of the bundle in force
	Clock     string     `json:"clock"`           // trusted, floor, unknown
	Floor     int64      `json:"floor,omitempty"` // Unix seconds, where no more is known of the time than that it is not before
	Reader    Reader     `json:"reader"`
	Ledger    *Ledger    `json:"ledger,omitempty"`
	Link      Link       `json:"link"`
	Case      *Case      `json:"case,omitempty"`
	Tombstone *Tombstone `json:"tombstone,omitempty"`
	Outbox    int        `json:"outbox"` // objects not yet acknowledged upstream
	Alarm     *Error     `json:"alarm,omitempty"`
	Refused   *Refused   `json:"refused,omitempty"`
	Untrusted *Untrusted `json:"untrusted,omitempty"`
	// Undelivered is an answer in the outbox that the other end refuses. It stays there.
	Undelivered *Undelivered `json:"undelivered,omitempty"`
	Warnings    []string     `json:"warnings,omitempty"` // code words for what somebody should mend, and nothing waits for
	Log         *Log         `json:"log,omitempty"`
}

// Log is what the terminal has seen of the desk's log. Checkpoints are as the desk signed
// them.
type Log struct {
	Origin     string `json:"origin,omitempty"` // none where there is nothing but a doubt
	Size       int64  `json:"size,omitempty"`
	Checkpoint string `json:"checkpoint,omitempty"` // the newest that was verified
	Doubt      *Doubt `json:"doubt,omitempty"`
}

// Doubt is a checkpoint that the desk has not joined to what it showed before. Both are
// evidence.
type Doubt struct {
	Word  string `json:"word"`            // which warning
	Kept  string `json:"kept,omitempty"`  // the newest that was verified before, or else the one that convicts with the other
	Shown string `json:"shown,omitempty"` // none where nothing came that the log has signed
	At    int64  `json:"at"`              // Unix milliseconds
}

// Refused is the last order that was refused, until a command is accepted; a restart
// keeps it. An order that had its turn before is no news, and takes no other's place.
type Refused struct {
	Kind   string `json:"kind"` // command, cancel, amend, close; order where it was not looked at; envelope, bundle where it is none
	Digest string `json:"digest"`
	Case   string `json:"case,omitempty"`
	At     int64  `json:"at"` // Unix milliseconds; of a repetition, when it came last since the daemon began
	Why    Error  `json:"why"`
}

// Untrusted is the trust that was not taken over last: since the daemon began, and until
// a step is taken over.
type Untrusted struct {
	Step   int    `json:"step,omitempty"` // its place in what came, from 1; none where no step is to blame
	Digest string `json:"digest,omitempty"`
	At     int64  `json:"at"` // Unix milliseconds, when it came last
	Why    Error  `json:"why"`
}

// Undelivered is an object that is refused. Nobody signs a refusal: it is told again, ever
// more rarely, until the desk has signed for it.
type Undelivered struct {
	Case string `json:"case"`
	Kind string `json:"kind"`
	N    int64  `json:"n"`
	At   int64  `json:"at"` // Unix milliseconds, when it was refused last
	Why  Error  `json:"why"`
}

// Reader is what is on the serial line.
type Reader struct {
	State  string `json:"state"`
	Serial string `json:"serial,omitempty"`
	Error  string `json:"error,omitempty"`
	Line   Line   `json:"line,omitzero"`
}

// Ledger is how much is on disk; no sums.
type Ledger struct {
	Transactions uint64 `json:"transactions"`
	Events       uint64 `json:"events"`
	Refused      uint64 `json:"refused"`
	Head         string `json:"head"`
}

// Link is the way outside.
type Link struct {
	Name  string `json:"name"`
	State string `json:"state"` // untried, up, down; idle where there is none
	Error string `json:"error,omitempty"`
	Since int64  `json:"since,omitempty"`
}

// Case is the unbinding that runs, or the last one.
type Case struct {
	Case        string     `json:"case"`
	Command     string     `json:"command"`
	Action      string     `json:"action"`
	Reason      string     `json:"reason"`
	Profile     string     `json:"profile"`
	Approvers   []Approver `json:"approvers"`
	Steps       []Step     `json:"steps"`
	Crossed     bool       `json:"crossed"`         // the point of no return
	Outcome     string     `json:"outcome"`         // running, done, undone, cancelled
	Begun       int64      `json:"begun,omitempty"` // Unix milliseconds
	Ended       int64      `json:"ended,omitempty"` // Unix milliseconds; none while it runs
	Waiting     string     `json:"waiting,omitempty"`
	Backed      bool       `json:"backed,omitempty"` // while it is delivered: the backup's receipt is here, or what may stand in its place
	Problem     *Error     `json:"problem,omitempty"`
	Result      string     `json:"result,omitempty"` // complete or partial, once signed
	Certificate string     `json:"certificate,omitempty"`
	Receipted   bool       `json:"receipted"` // the desk has the certificate
	Quarantine  bool       `json:"quarantine"`
	Next        string     `json:"next,omitempty"` // what a person must do about a partial certificate, in its own words
}

// Approver is a holder whose signature counted.
type Approver struct {
	Holder string `json:"holder"`
	Role   string `json:"role"`
}

// Step is one act of the plan.
type Step struct {
	Name     string `json:"name"`
	Final    bool   `json:"final"`
	State    string `json:"state"`
	Tries    int    `json:"tries,omitempty"`
	Started  int64  `json:"started,omitempty"`  // Unix milliseconds
	Finished int64  `json:"finished,omitempty"` // Unix milliseconds
	Detail   string `json:"detail,omitempty"`
}

// Tombstone is what is left of an unbound terminal.
type Tombstone struct {
	Action      string `json:"action"`
	Case        string `json:"case"`
	Certificate string `json:"certificate"`
	Epoch       int64  `json:"epoch"`
	Result      string `json:"result"`
	Revealed    bool   `json:"revealed"` // the desk has seen the preimage
}

// Challenge is POST /v1/challenge: what a command can be made for.
type Challenge struct {
	Schema    string `json:"schema"`
	Challenge string `json:"challenge"`
	Text      string `json:"text"` // UBC1/terminal/epoch/seq/trust/challenge/check, for a QR code
	Terminal  string `json:"terminal"`
	Epoch     int64  `json:"epoch"`
	Seq       int64  `json:"seq"`
	Trust     int64  `json:"trust"`
}

// Loaded is POST /v1/commands and /v1/cancel: what became of every object in
// the file.
type Loaded struct {
	Schema string   `json:"schema"`
	Items  []Object `json:"items"`
}

// Object is one envelope or ticket that was handed in.
type Object struct {
	Kind    string `json:"kind"`
	Digest  string `json:"digest,omitempty"`
	Outcome string `json:"outcome"` // accepted, known, refused
	Case    string `json:"case,omitempty"`
	Error   *Error `json:"error,omitempty"`
}

// Error is a refusal that a person or a server acts on.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Next    string `json:"next"`
}

func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Message + " [" + e.Code + "]"
}

// Event is one line of GET /v1/events (server-sent, with ids).
type Event struct {
	ID     int64  `json:"id"`
	Time   int64  `json:"time"` // Unix milliseconds
	Kind   string `json:"kind"` // step, gate, wait, command, answer, mode, reader, link, log
	Name   string `json:"name,omitempty"`
	State  string `json:"state,omitempty"`
	Final  bool   `json:"final,omitempty"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code,omitempty"`
}
