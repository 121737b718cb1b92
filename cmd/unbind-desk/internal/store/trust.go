package store

import "unbindd/agent/envelope"

// AddTrust writes the envelope of a trust bundle; ErrTaken when there is one of
// that version.
func (t *Tx) AddTrust(version int64, body []byte) error {
	return add(t, inTrust, number(version), body)
}

// Trust reads a trust bundle's envelope by version.
func (t *Tx) Trust(version int64) ([]byte, error) {
	return get[[]byte](t, inTrust, number(version))
}

// Bundles returns the envelopes of the trust bundles after a version, oldest first.
func (t *Tx) Bundles(after int64) (bundles [][]byte, err error) {
	from := ""
	if after > 0 {
		from = number(after)
	}
	err = all(t, inTrust, "", from, func(_ string, b []byte) error { bundles = append(bundles, b); return nil })
	return bundles, err
}

// PutProfile writes a profile's envelope.
func (t *Tx) PutProfile(id envelope.ID, body []byte) error {
	return put(t, inProfiles, string(id), body)
}

// Profile reads a profile's envelope.
func (t *Tx) Profile(id envelope.ID) ([]byte, error) {
	return get[[]byte](t, inProfiles, string(id))
}

// Profiles returns every profile's envelope, by id.
func (t *Tx) Profiles() (profiles [][]byte, err error) {
	err = all(t, inProfiles, "", "", func(_ string, b []byte) error { profiles = append(profiles, b); return nil })
	return profiles, err
}
