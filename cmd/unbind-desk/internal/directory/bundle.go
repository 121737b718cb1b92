package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// RecipientSet is the set that backups are sealed for.
const RecipientSet envelope.ID = "rcp-demo"

// bundleYears is how long the first trust bundle is good for.
const bundleYears = 2

// Profiles are the two that a new desk has, with the inventory given to both.
func Profiles(inventory []profile.Place) []profile.Profile {
	scope := []envelope.ID{
		profile.AppData, profile.Credentials, profile.Exports, profile.HostKeys,
		profile.Ledger, profile.Logs, profile.ReaderKeys, profile.Software,
	}
	slices.Sort(scope)
	standard := func(id, action envelope.ID, papers ...envelope.ID) profile.Profile {
		return profile.Profile{
			Action: action, Checklists: []envelope.ID{}, ID: id,
			Inventory: append([]profile.Place{}, inventory...),
			Papers:    append([]envelope.ID{}, papers...),
			Reasons:   []envelope.ID{"merchant-closed", "merchant-changed", "device-swap"},
			Scope:     scope, Slots: []envelope.ID{"TMK", "TPK", "TAK", "TDK", "IPEK"}, V: 1,
		}
	}
	return []profile.Profile{
		standard("rebind-standard", command.Rebind),
		standard("retire-standard", command.Retire, "business-licence", "acceptance-form"),
	}
}

// makeTrust signs the profiles and the first trust bundle, and returns the anchor.
func (f *founder) makeTrust() (envelope.Digest, error) {
	profiles, digests := map[envelope.ID]*envelope.Envelope{}, map[envelope.ID]envelope.Digest{}
	for _, p := range Profiles(f.Inventory) {
		e, err := envelope.Seal(envelope.Type(profile.Kind), p, f.signers["ops-1"], f.signers["sec-1"])
		if err != nil {
			return "", fmt.Errorf("cannot make profile %s: %w", p.ID, err)
		}
		profiles[p.ID], digests[p.ID] = e, e.Digest()
		if err := authority.Create(f.dir.at("profiles", string(p.ID)+".json"), e.Encode(), 0o644); err != nil {
			return "", err
		}
	}
	bundle, err := envelope.Seal(envelope.Type(trust.Kind), f.bundle(digests),
		f.signers["root-1"], f.signers["root-2"], f.signers["root-3"])
	if err != nil {
		return "", fmt.Errorf("cannot make the trust bundle: %w", err)
	}
	if err := f.prove(bundle, profiles); err != nil {
		return "", err
	}
	array, err := Array([]*envelope.Envelope{bundle})
	if err != nil {
		return "", err
	}
	return bundle.Digest(), errors.Join(authority.Create(f.dir.Trust(), array, 0o644), f.keep(bundle, profiles))
}

// prove reads back what was made as a terminal will, so that a wrong inventory
// is found here and not at the first enrolment.
func (f *founder) prove(bundle *envelope.Envelope, profiles map[envelope.ID]*envelope.Envelope) error {
	believed, err := trust.Anchor(bundle, bundle.Digest())
	if err != nil {
		return err
	}
	for _, e := range profiles {
		if _, err := profile.Open(e, believed); err != nil {
			return err
		}
	}
	return nil
}

func (f *founder) bundle(profiles map[envelope.ID]envelope.Digest) trust.Bundle {
	keys := map[envelope.KeyID]trust.Key{}
	for _, h := range holders {
		public := f.signers[h.name].Public()
		keys[public.ID()] = trust.Key{Alg: public.Alg, Holder: envelope.ID(h.name), Pub: public.Pub, Role: h.role}
	}
	return trust.Bundle{
		Expires: f.Now.AddDate(bundleYears, 0, 0).Unix(), Issued: f.Now.Unix(), Keys: keys,
		Log:      trust.Log{Key: f.signers[Receipt].Public().ID(), Origin: envelope.ID(f.Name)},
		Profiles: profiles,
		Recipients: map[envelope.ID][]trust.Recipient{RecipientSet: {
			{Age: envelope.Recipient(f.recipient), Holder: "desk", ProvedAt: f.Now.Unix()},
		}},
		Revoked: []envelope.KeyID{}, Rules: trust.DefaultRules(), SPKI: []envelope.Digest{f.pin}, V: 1, Version: 1,
	}
}

// Array writes envelopes as one JSON array, the form of trust.json.
func Array(envelopes []*envelope.Envelope) ([]byte, error) {
	raw := []json.RawMessage{}
	for _, e := range envelopes {
		raw = append(raw, e.Encode())
	}
	out, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot write envelopes: %w", err)
	}
	return append(out, '\n'), nil
}

// ParseArray reads a JSON array of at most 1,024 envelopes.
func ParseArray(text []byte) ([]*envelope.Envelope, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(bytes.TrimSpace(text), &raw); err != nil {
		return nil, envelope.Refuse("E02", "array", "cannot read the trust bundles: it is not a JSON array")
	}
	if len(raw) > trust.MaxVersions {
		return nil, envelope.Refuse("E16", "steps", "cannot read the trust bundles: there are more than %d", trust.MaxVersions)
	}
	var envelopes []*envelope.Envelope
	for _, r := range raw {
		e, err := envelope.Parse(r, envelope.MaxSize)
		if err != nil {
			return nil, err
		}
		envelopes = append(envelopes, e)
	}
	return envelopes, nil
}
