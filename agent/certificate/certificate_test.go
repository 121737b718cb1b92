package certificate

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"pgregory.net/rapid"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

func key(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

var digest = envelope.DigestOf([]byte("x"))

func good() Statement {
	s := New()
	s.Subject = []Subject{About("command", digest), About("manifest", digest), About("backup", digest)}
	p := &s.Predicate
	p.Binding, p.Case, p.Clock, p.N, p.Tombstone, p.Verified = digest, "C-1", "trusted", 1, Commitment(make([]byte, 32)), Pass
	p.Command = Command{Action: "rebind", Approvers: []trust.Approver{}, Digest: digest, Profile: "p", Reason: "r"}
	p.Receipt = Authority{Digest: digest, Kind: "receipt"}
	p.Terminal = Terminal{ID: "T-1", Serial: "S-1", Agent: "unbindd/1", Epoch: 1}
	p.Reader.SN, p.Reader.Outcome = "PED-1", "erased"
	p.Media = []Medium{{Name: "ledger", LevelAchieved: "clear", LevelRequested: "clear", Verified: Pass, Residual: []string{}}}
	p.Judge()
	return s
}

func TestCompleteIsOnlyWhatWasDone(t *testing.T) {
	cases := []struct {
		name string
		bend func(*Predicate)
		want string
	}{
		{"everything", func(*Predicate) {}, Complete},
		{"reader open", func(p *Predicate) { p.Reader.Outcome = "missing" }, Partial},
		{"reader half", func(p *Predicate) { p.Reader.Outcome = "incomplete" }, Partial},
		{"reader unknown", func(p *Predicate) { p.Reader.Outcome = "" }, Partial},
		{"level too low", func(p *Predicate) { p.Media[0].LevelAchieved = "logical" }, Partial},
		{"purge asked, cleared", func(p *Predicate) { p.Media[0].LevelRequested = "purge" }, Partial},
		{"purge asked, asserted", func(p *Predicate) { p.Media[0].LevelRequested, p.Media[0].LevelAchieved = "purge", "purge-asserted" }, Complete},
		{"unknown word for a level", func(p *Predicate) { p.Media[0].LevelRequested = "best" }, Partial},
		{"not verified", func(p *Predicate) { p.Media[0].Verified = Unknown }, Partial},
		{"failed", func(p *Predicate) { p.Media[0].Verified = Fail }, Partial},
		{"second look failed", func(p *Predicate) { p.Verified = Fail }, Partial},
		{"no second look", func(p *Predicate) { p.Verified = "" }, Partial},
		{"all gone by both lists", func(p *Predicate) { p.Copies = &Copies{Places: []Place{{Items: 3, Appeared: 1}}} }, Complete},
		{"left by the second list", func(p *Predicate) { p.Copies = &Copies{Places: []Place{{}, {Left: 1}}} }, Partial},
		{"residue", func(p *Predicate) { p.Software.Residue = []string{"software-1"} }, Partial},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := good()
			c.bend(&s.Predicate)
			if s.Predicate.Judge(); s.Predicate.Result != c.want {
				t.Errorf("judged %s, want %s", s.Predicate.Result, c.want)
			}
		})
	}
}

func TestOpenRefusesAResultThatDoesNotFollow(t *testing.T) {
	lie := good()
	lie.Predicate.Reader.Outcome = "incomplete" // and still "complete"
	e, err := envelope.Seal(envelope.Statement, lie, key("device"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(e, key("device").Public()); envelope.CodeOf(err) != "E06:result" {
		t.Errorf("a lie was opened: %v", err)
	}
	e, err = envelope.Seal(envelope.Statement, good(), key("device"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(e, key("other").Public()); envelope.CodeOf(err) != "E04" {
		t.Errorf("another key: %v", err)
	}
	s, err := Open(e, key("device").Public())
	if d, ok := s.SubjectDigest("manifest"); err != nil || !ok || d != digest {
		t.Errorf("%v %v %v", d, ok, err)
	}
}

func TestMissingFieldsAreListed(t *testing.T) {
	s := good()
	before := len(s.Predicate.Missing)
	s.Predicate.Terminal.Manufacturer, s.Predicate.Terminal.Model, s.Predicate.Terminal.Property = "m", "m", "p"
	s.Predicate.Judge()
	if before-len(s.Predicate.Missing) != 3 || len(s.Predicate.Missing) == 0 {
		t.Errorf("missing: %v", s.Predicate.Missing)
	}
}

// No combination of words makes a certificate complete whose target failed.
func TestNoFailureIsJudgedComplete(t *testing.T) {
	words := rapid.SampledFrom([]string{"", "none", "logical", "clear", "purge", "purge-asserted", "purge-verified", "other"})
	rapid.Check(t, func(rt *rapid.T) {
		s := good()
		m := &s.Predicate.Media[0]
		m.LevelAchieved, m.LevelRequested = words.Draw(rt, "achieved"), words.Draw(rt, "requested")
		m.Verified = rapid.SampledFrom([]string{Fail, Unknown, "", "passed"}).Draw(rt, "verified")
		if s.Predicate.Judge(); s.Predicate.Result != Partial {
			rt.Fatalf("%+v judged complete", m)
		}
	})
}

func TestTombstone(t *testing.T) {
	s := good()
	stone := Tombstone{Action: "rebind", Case: "C-1", Certificate: digest, Epoch: 1, IDs: []envelope.ID{"id-1"}, R: make([]byte, 32), Result: Complete, Seq: 1, Terminal: "T-1", V: 1}
	text, err := envelope.Canonical(stone)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadTombstone(text)
	if err != nil || !back.Opens(&s, digest) {
		t.Fatalf("%v", err)
	}
	back.R = bytes.Repeat([]byte{1}, 32)
	if back.Opens(&s, digest) {
		t.Error("another preimage opens the certificate")
	}
	if _, err := ReadTombstone([]byte(`{}`)); err == nil {
		t.Error("an empty tombstone was read")
	}
}

func FuzzRead(f *testing.F) {
	e, err := envelope.Seal(envelope.Statement, good(), key("device"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		s, err := Read(&envelope.Envelope{PayloadType: envelope.Statement, Payload: payload})
		if err == nil && s.Predicate.Result == Complete && s.Predicate.Reader.Outcome != "erased" {
			t.Fatal("a complete certificate without an erased reader was read")
		}
	})
}
