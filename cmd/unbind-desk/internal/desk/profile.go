package desk

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/cmd/unbind-desk/internal/store"
)

// publishProfile takes a profile that the bundle in force names; terminals get it
// when they enrol, and with the next orders. The one it takes the place of stays
// under its digest: cases were made for it. The same one, signed anew, keeps what
// stood under it: a case stands on those who could sign when it was accepted.
func (d *Desk) publishProfile(tx *store.Tx, e *envelope.Envelope, _ int64) (Published, error) {
	p, err := profile.Open(e, d.trust())
	if err != nil {
		return Published{}, err
	}
	before, err := tx.Profile(p.ID)
	if err == nil {
		err = keepProfile(tx, before)
	}
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return Published{}, err
	}
	had, err := tx.Profile(envelope.ID(e.Digest()))
	if err == nil {
		e, err = d.signedAnew(had, e)
	}
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return Published{}, err
	}
	_, err = tx.Count(publishedProfiles) // it goes along with the trust alone, at every desk
	return Published{}, errors.Join(err, keepProfile(tx, e.Encode()), tx.PutProfile(p.ID, e.Encode()))
}

// signedAnew puts the new signatures under the older ones of the same profile. Only
// those go along that the trust in force knows, and so has verified: one that does not
// fit would spoil the others wherever its key is known. Where the signatures get too
// many, the new ones stand alone.
func (d *Desk) signedAnew(had []byte, e *envelope.Envelope) (*envelope.Envelope, error) {
	both, err := envelope.Parse(had, envelope.MaxSize)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Signatures {
		_, known := d.trust().Keys[s.KeyID]
		if known && !slices.ContainsFunc(both.Signatures, func(o envelope.Signature) bool { return o.KeyID == s.KeyID }) {
			both.Signatures = append(both.Signatures, s)
		}
	}
	if _, err := profile.Open(both, d.trust()); err != nil || len(both.Signatures) > envelope.MaxSignatures {
		return e, nil
	}
	return both, nil
}

// keepProfile stores a profile under its digest, where nothing takes its place.
func keepProfile(tx *store.Tx, body []byte) error {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return err
	}
	return tx.PutProfile(envelope.ID(e.Digest()), body)
}

// profileOf reads the profile that a command names, by what it names.
func profileOf(tx *store.Tx, id envelope.ID, digest envelope.Digest) ([]byte, error) {
	body, err := tx.Profile(envelope.ID(digest))
	if errors.Is(err, store.ErrAbsent) {
		return tx.Profile(id)
	}
	return body, err
}

// profiles are those that the bundle in force names, each once.
func (d *Desk) profiles(tx *store.Tx) (named []json.RawMessage, err error) {
	stored, err := tx.Profiles()
	if err != nil {
		return nil, err
	}
	named = []json.RawMessage{}
	var seen []envelope.Digest
	under := d.believed.Load()
	for _, body := range stored {
		digest, err := under.names(body)
		if err != nil {
			return nil, err
		}
		if digest == "" || slices.Contains(seen, digest) {
			continue
		}
		seen, named = append(seen, digest), append(named, body)
	}
	return named, nil
}

// names is the digest of a stored profile that the bundle in force names, and ""
// of any other. It follows from the bytes and the bundle alone, and is found out
// once for both: every poll with orders and every enrolment asks.
func (b *belief) names(body []byte) (envelope.Digest, error) {
	key := sha256.Sum256(body)
	if had, ok := b.named.Load(key); ok {
		digest, _ := had.(envelope.Digest)
		return digest, nil
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return "", err
	}
	digest := e.Digest()
	if !slices.Contains(slices.Collect(maps.Values(b.trust.Profiles)), digest) {
		digest = "" // most of those that were kept for older cases: no signature need be looked at
	} else if _, err := profile.Open(e, b.trust); err != nil {
		digest = ""
	}
	b.named.Store(key, digest)
	return digest, nil
}
