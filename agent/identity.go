package agent

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/keys"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// route is how the desk is reached and believed at the transport.
type route struct {
	URL         string          `json:"url"`
	Pins        []string        `json:"pins"`
	CA          string          `json:"ca"`          // PEM
	Certificate string          `json:"certificate"` // PEM
	Anchor      envelope.Digest `json:"anchor"`
	Binding     envelope.Digest `json:"binding"` // verified at enrolment, pinned since: its signer may be gone by now
	Salt        []byte          `json:"salt"`
}

// identity is who this terminal is and what it believes, as enrolment left it
// in trust/ and as trust moved on since.
type identity struct {
	binding  enrol.Binding
	digest   envelope.Digest // of the binding
	raw      [32]byte        // the same
	envelope *envelope.Envelope
	trust    *trust.Trust
	bundles  []*envelope.Envelope
	stored   []*envelope.Envelope               // every profile that this terminal has
	profiles map[envelope.ID]*envelope.Envelope // those that the trust in force names
	route    route
}

// loadIdentity reads trust/; false when the terminal is not enrolled or the
// identity is erased.
func loadIdentity(p places) (*identity, bool, error) {
	text, err := os.ReadFile(p.binding())
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot read the binding: %w", err)
	}
	id := &identity{profiles: map[envelope.ID]*envelope.Envelope{}}
	if err := readJSON(p.route(), &id.route); err != nil {
		return nil, false, err
	}
	if id.bundles, err = readEnvelopes(p.bundles()); err != nil {
		return nil, false, err
	}
	if id.trust, err = trust.Chain(id.route.Anchor, id.bundles); err != nil {
		return nil, false, err
	}
	if err := id.bind(text); err != nil {
		return nil, false, err
	}
	return id, true, id.loadProfiles(p)
}

func (id *identity) bind(text []byte) error {
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		return fmt.Errorf("cannot read the binding: %w", err)
	}
	if e.Digest() != id.route.Binding {
		return errors.New("cannot read the binding: it is not the one that was enrolled")
	}
	if err := envelope.Decode(e.Payload, &id.binding); err != nil {
		return fmt.Errorf("cannot read the binding: %w", err)
	}
	id.envelope, id.digest = e, e.Digest()
	id.raw, err = id.digest.Raw()
	return err
}

// loadProfiles reads the profiles and finds those that the trust in force names.
func (id *identity) loadProfiles(p places) (err error) {
	if id.stored, err = readEnvelopes(p.profiles()); err == nil {
		id.sort()
	}
	return err
}

// profile opens a profile by name and digest.
func (id *identity) profile(name envelope.ID, digest envelope.Digest) (profile.Profile, error) {
	e := id.profiles[name]
	if e == nil || e.Digest() != digest {
		return profile.Profile{}, envelope.Refuse("E17", "profile", "cannot use profile %s: this terminal does not have it", name)
	}
	return profile.Open(e, id.trust)
}

// recipients are the age recipients of a set of the trust bundle.
func (id *identity) recipients(set envelope.ID) []string { return recipientsOf(id.trust, set) }

// pins are the desk's TLS keys: the one of the enrolment and those of the bundle.
func (id *identity) pins() []string {
	pins := slices.Clone(id.route.Pins)
	for _, pin := range id.trust.SPKI {
		pins = append(pins, string(pin))
	}
	return pins
}

// deviceSigner signs for the terminal.
func deviceSigner(store *keys.Store) envelope.Signer {
	return envelope.SignerFunc{Key: devicePublic(store.DevicePublic()), By: store.Sign}
}

func devicePublic(pub ed25519.PublicKey) envelope.PublicKey {
	return envelope.PublicKey{Alg: envelope.Ed25519, Pub: pub}
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read what enrolment left: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("cannot read what enrolment left: %w", err)
	}
	return nil
}

func readEnvelopes(path string) ([]*envelope.Envelope, error) {
	var raw []json.RawMessage
	if err := readJSON(path, &raw); err != nil {
		return nil, err
	}
	return parseAll(raw)
}

func parseAll(raw []json.RawMessage) ([]*envelope.Envelope, error) {
	var all []*envelope.Envelope
	for _, text := range raw {
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func encodeAll(all []*envelope.Envelope) []byte {
	raw := []json.RawMessage{}
	for _, e := range all {
		raw = append(raw, e.Encode())
	}
	b, err := json.Marshal(raw)
	if err != nil {
		panic("agent: envelopes always encode: " + err.Error())
	}
	return b
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
