package trust

import (
	"fmt"
	"maps"
	"strings"

	"unbindd/agent/envelope"
)

// MaxSteps is how many versions one catch-up may carry.
const MaxSteps = 64

// MaxFile is the most bytes of a file that carries steps and orders: 64 steps of
// 15 KiB each, and what every link takes.
const MaxFile = 1 << 20

// MaxVersions is how many versions anybody reads of one chain.
const MaxVersions = 1024

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
		return nil, thresholds(t, err)
	}
	t.past = map[int64]envelope.Digest{1: t.digest}
	return t, nil
}

// Next takes over the following version: it needs the thresholds of both, and no
// key that was revoked before counts for either. A version that is known is taken
// as it is when its digest is the known one, and refused as a fork when it is not.
func (t *Trust) Next(e *envelope.Envelope) (*Trust, error) {
	next, err := read(e)
	if err != nil {
		return nil, err
	}
	known, taken := t.past[next.Version]
	switch {
	case next.digest == t.digest:
		return t, nil
	case taken && known != next.digest:
		return nil, refuse("fork", "another bundle of version %d is known", next.Version)
	case next.Version <= t.Version:
		return nil, refuse("rollback", "it is version %d, and version %d is in force", next.Version, t.Version)
	case next.Version > t.Version+1:
		return nil, refuse("gap", "it is version %d, and version %d, which comes before it, is missing", next.Version, t.Version+1)
	}
	next = next.WithRevoked(t.Revoked())
	for _, side := range []*Trust{t, next} {
		if _, err := side.Verify(e, Kind); err != nil {
			return nil, thresholds(side, err)
		}
	}
	next.past = map[int64]envelope.Digest{next.Version: next.digest}
	maps.Copy(next.past, t.past)
	return next, nil
}

// StepError is why one of several steps does not hold, and which it is.
type StepError struct {
	At     int // its place, from 1
	Digest envelope.Digest
	Err    error
}

func (e *StepError) Error() string { return e.Err.Error() }

func (e *StepError) Unwrap() error { return e.Err }

// CatchUp takes over several versions in order and returns what was new of them, or
// the StepError of the first that does not hold.
// Of versions that are known already only the very same bytes are passed over. Only
// the last one's expiry matters (the rule of TUF and Uptane), and the caller asks for it.
func (t *Trust) CatchUp(steps []*envelope.Envelope) (now *Trust, taken []*envelope.Envelope, err error) {
	at := -1
	defer func() {
		if err != nil {
			err = &StepError{At: at + 1, Digest: steps[at].Digest(), Err: err}
		}
	}()
	now = t
	for _, e := range steps {
		at++
		step, err := read(e)
		if err != nil {
			return nil, nil, err
		}
		if known, ok := t.past[step.Version]; ok && known == step.digest {
			continue
		}
		if len(taken) == MaxSteps {
			return nil, nil, refuse("steps", "more than %d versions are new here; load those up to version %d first, then the rest", MaxSteps, now.Version)
		}
		before := now
		if now, err = now.Next(e); err != nil {
			return nil, nil, err
		}
		if now != before {
			taken = append(taken, e)
		}
	}
	return now, taken, nil
}

// Chain anchors the first envelope and takes over the rest.
func Chain(anchor envelope.Digest, bundles []*envelope.Envelope) (*Trust, error) {
	all, err := Versions(anchor, bundles)
	if err != nil {
		return nil, err
	}
	return all[len(all)-1], nil
}

// Versions is Chain with every version on the way, the first one first.
func Versions(anchor envelope.Digest, bundles []*envelope.Envelope) ([]*Trust, error) {
	if len(bundles) == 0 {
		return nil, refuse("anchor", "there is no bundle")
	}
	t, err := Anchor(bundles[0], anchor)
	if err != nil {
		return nil, err
	}
	all := []*Trust{t}
	for _, e := range bundles[1:] {
		next, err := t.Next(e)
		if err != nil {
			return nil, err
		}
		if next != t {
			all = append(all, next)
		}
		t = next
	}
	return all, nil
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

func refuse(detail, why string, args ...any) error {
	return envelope.Refuse("E16", detail, "cannot take over a trust bundle: %w", fmt.Errorf(why, args...))
}

// thresholds refuses a bundle for its signatures, by what is wrong with them: too
// few for one of the two versions, one person in two places, a revoked key, one that
// does not fit. The text says whose rule it was.
func thresholds(by *Trust, err error) error {
	_, detail, _ := strings.Cut(envelope.CodeOf(err), ":")
	if detail == "" || detail == "missing-role" || detail == "unsigned" {
		detail = "thresholds"
	}
	return envelope.Refuse("E16", detail, "cannot take over a trust bundle: the rule of version %d is not met: %w", by.Version, err)
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

// Tag names a version as an entity tag, so that a terminal and a desk which have the
// same one need not send it.
func Tag(t *Trust) string { return fmt.Sprintf("\"trust-%d-%.16s\"", t.Version, t.digest.Hex()) }
