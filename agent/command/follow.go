package command

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Running is the case that a follow-up must name.
type Running struct {
	Trust       *trust.Trust
	Terminal    envelope.ID
	Case        envelope.ID
	Command     envelope.Digest
	Certificate envelope.Digest // "" until there is one
	Amended     int64           // the last amendment's number
}

// Resume verifies a journalled command again after a restart: signatures yes,
// against the trust of its acceptance; clock, challenge and replay memory no.
func Resume(e *envelope.Envelope, accepted *trust.Trust) (*Verified, error) {
	return signed(e, accepted)
}

// VerifyCancel checks a cancel against the running case.
func VerifyCancel(e *envelope.Envelope, r Running) (Cancel, error) {
	var c Cancel
	if err := follow(e, r, "cancel", &c); err != nil {
		return c, err
	}
	return c, names(r, c.V, c.Terminal, c.Case, c.Command)
}

// VerifyAmend checks an amendment; its number must be the next one.
func VerifyAmend(e *envelope.Envelope, r Running) (Amend, error) {
	var a Amend
	if err := follow(e, r, "amend", &a); err != nil {
		return a, err
	}
	if err := names(r, a.V, a.Terminal, a.Case, a.Command); err != nil {
		return a, err
	}
	if a.N != r.Amended+1 {
		return a, envelope.Refuse("E11", "amend", "cannot take the amendment: it is number %d, the next is %d", a.N, r.Amended+1)
	}
	known := []envelope.ID{AllowReaderAbsent, AllowSealed, AllowUnsettled, AllowPartial, AllowEventsLost}
	for _, what := range a.Allow {
		if !slices.Contains(known, what) {
			return a, envelope.Refuse("E07", "allow", "cannot take the amendment: it allows something unknown")
		}
	}
	if slices.Contains(a.Allow, AllowUnsettled) != (len(a.Exception) > 0) {
		return a, envelope.Refuse("E07", "exception", "cannot take the amendment: unsettled and its exact amounts belong together")
	}
	if slices.Contains(a.Allow, AllowEventsLost) != (a.Lost > 0) {
		return a, envelope.Refuse("E07", "lost", "cannot take the amendment: events-lost and its exact count belong together")
	}
	return a, nil
}

// VerifyClose checks a forced close against the certificate it names.
func VerifyClose(e *envelope.Envelope, r Running) (Close, error) {
	var c Close
	if err := follow(e, r, "close", &c); err != nil {
		return c, err
	}
	if r.Certificate == "" || c.Certificate != r.Certificate {
		return c, envelope.Refuse("E28", "certificate", "cannot close the case: it names another certificate")
	}
	return c, names(r, c.V, c.Terminal, c.Case, r.Command)
}

func follow(e *envelope.Envelope, r Running, kind string, to any) error {
	if _, err := r.Trust.Verify(e, kind); err != nil {
		return err
	}
	return envelope.Decode(e.Payload, to)
}

func names(r Running, v int, terminal, caseID envelope.ID, digest envelope.Digest) error {
	switch {
	case v != 1:
		return envelope.Refuse("E07", "v", "cannot take it: its version is not supported")
	case terminal != r.Terminal:
		return envelope.Refuse("E09", "terminal", "cannot take it: it is for another terminal")
	case caseID != r.Case:
		return envelope.Refuse("E28", "case", "cannot take it: that case does not run here")
	case digest != r.Command:
		return envelope.Refuse("E28", "command", "cannot take it: that command does not run here")
	}
	return nil
}
