package trust

import (
	"unbindd/agent/envelope"
)

// MaxSteps is how many versions one catch-up may carry.
const MaxSteps = 64

// Kind is the payload kind of a trust bundle.
const Kind = "trust"

// Anchor believes version 1 by its digest; it must be signed by its own roots.
// It refuses with E16.
func Anchor(e *envelope.Envelope, anchor envelope.Digest) (*Trust, error) {
	if e.Digest() != anchor {
		return nil, refuse("anchor", "the first bundle is not the one that the anchor names")
	}
	t, err := read(e)
	if err != nil {
		return nil, err
	}
	if t.Version != 1 {
		return nil, refuse("anchor", "the first bundle is not version 1")
	}
	if _, err := t.Verify(e, Kind); err != nil {
		return nil, thresholds(err)
	}
	return t, nil
}

// Next takes over the following version: it needs the thresholds of both. The
// same version with the same digest is taken as it is.
func (t *Trust) Next(e *envelope.Envelope) (*Trust, error) {
	next, err := read(e)
	if err != nil {
		return nil, err
	}
	switch {
	case next.digest == t.digest:
		return t, nil
	case next.Version <= t.Version:
		return nil, refuse("rollback", "it is not newer than the one in force")
	case next.Version > t.Version+1:
		return nil, refuse("gap", "a version between is missing")
	}
	for _, side := range []*Trust{t, next} {
		if _, err := side.Verify(e, Kind); err != nil {
			return nil, thresholds(err)
		}
	}
	return next.WithRevoked(t.Revoked()), nil
}

// CatchUp takes over several versions in order, older ones that are known
// already are passed over. Only the last one's expiry matters (the rule of TUF
// and Uptane), and the caller asks for it.
func (t *Trust) CatchUp(steps []*envelope.Envelope) (*Trust, error) {
	taken := 0
	for _, e := range steps {
		step, err := read(e)
		if err != nil {
			return nil, err
		}
		if step.Version < t.Version {
			continue
		}
		if taken++; taken > MaxSteps {
			return nil, refuse("steps", "it has more steps than are taken at once")
		}
		if t, err = t.Next(e); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Chain anchors the first envelope and takes over the rest.
func Chain(anchor envelope.Digest, bundles []*envelope.Envelope) (*Trust, error) {
	if len(bundles) == 0 {
		return nil, refuse("anchor", "there is no bundle")
	}
	t, err := Anchor(bundles[0], anchor)
	if err != nil {
		return nil, err
	}
	for _, e := range bundles[1:] {
		if t, err = t.Next(e); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func read(e *envelope.Envelope) (*Trust, error) {
	if e.PayloadType != envelope.Type(Kind) {
		return nil, refuse("type", "it is no trust bundle")
	}
	t := &Trust{digest: e.Digest(), revoked: map[envelope.KeyID]bool{}}
	if err := envelope.Decode(e.Payload, &t.Bundle); err != nil {
		return nil, envelope.Refuse("E16", "not-canonical", "cannot take over a trust bundle: %w", err)
	}
	if err := t.check(); err != nil {
		return nil, envelope.Refuse("E16", "content", "cannot take over a trust bundle: %w", err)
	}
	for _, id := range t.Bundle.Revoked {
		t.revoked[id] = true
	}
	return t, nil
}

func refuse(detail, why string) error {
	return envelope.Refuse("E16", detail, "cannot take over a trust bundle: %s", why)
}

func thresholds(err error) error {
	return envelope.Refuse("E16", "thresholds", "cannot take over a trust bundle: %w", err)
}

// Journalled is a bundle that was verified when a command was accepted and has
// been kept since, with the revocations known then.
func Journalled(e *envelope.Envelope, revoked []envelope.KeyID) (*Trust, error) {
	t, err := read(e)
	if err != nil {
		return nil, err
	}
	return t.WithRevoked(revoked), nil
}
