package desk

import (
	"errors"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/store"
)

// The kinds of a refusal; a server turns them into its own status.
var (
	ErrMalformed = errors.New("malformed")
	ErrForeign   = errors.New("not allowed")
	ErrAbsent    = errors.New("not there")
	ErrConflict  = errors.New("in conflict")
	ErrUnfit     = errors.New("does not fit")
	ErrGone      = errors.New("gone")
	ErrBusy      = errors.New("busy")
	ErrUnsure    = errors.New("not sure of the time")
	ErrFull      = errors.New("full")       // there is no room for it now
	ErrBroken    = errors.New("broken off") // the client stopped sending
)

// Broken marks an error of reading from a client.
func Broken(err error) error {
	return &fault{kind: ErrBroken, why: envelope.Refuse("E02", "broken-off", "cannot read the request: %w", err)}
}

// fault is a refusal of a kind; its text is the refusal's.
type fault struct {
	kind error
	why  error
}

func (f *fault) Error() string   { return f.why.Error() }
func (f *fault) Unwrap() []error { return []error{f.kind, f.why} }

func refuse(kind error, code, detail, format string, args ...any) error {
	return &fault{kind: kind, why: envelope.Refuse(code, detail, format, args...)}
}

// as gives a refusal of the stair its kind; another error stays as it is, and
// so does a refusal that has one.
func as(kind, err error) error {
	var f *fault
	if err == nil || envelope.CodeOf(err) == "" || errors.As(err, &f) {
		return err
	}
	return &fault{kind: kind, why: err}
}

// absent turns "no record" into a refusal that names what is missing.
func absent(err error, detail, what string) error {
	if !errors.Is(err, store.ErrAbsent) {
		return err
	}
	return refuse(ErrAbsent, "E28", detail, "cannot find %s: there is none", what)
}
