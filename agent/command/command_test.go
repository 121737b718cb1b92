package command

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

func key(name string) envelope.Signer {
	return envelope.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte(name), 32)[:32]))
}

var holders = map[string]trust.Role{
	"root-1": trust.Root, "root-2": trust.Root, "root-3": trust.Root, "ops-1": trust.Operations, "ops-2": trust.Operations,
	"sec-1": trust.Security, "rel-1": trust.Release, "receipt-1": trust.ReceiptKey,
}

func believed(t testing.TB) *trust.Trust {
	t.Helper()
	b := trust.Bundle{
		Expires: 2_000_000_000, Issued: 1, Keys: map[envelope.KeyID]trust.Key{}, Log: trust.Log{Key: key("receipt-1").Public().ID(), Origin: "d"},
		Profiles: map[envelope.ID]envelope.Digest{}, Recipients: map[envelope.ID][]trust.Recipient{}, Revoked: []envelope.KeyID{},
		Rules: trust.DefaultRules(), SPKI: []envelope.Digest{}, V: 1, Version: 1,
	}
	for name, role := range holders {
		pub := key(name).Public()
		b.Keys[pub.ID()] = trust.Key{Alg: pub.Alg, Holder: envelope.ID(name), Pub: pub.Pub, Role: role}
	}
	e := seal(t, trust.Kind, b, "root-1", "root-2", "root-3")
	tr, err := trust.Anchor(e, e.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func seal(t testing.TB, kind string, v any, by ...string) *envelope.Envelope {
	t.Helper()
	e, err := envelope.Seal(envelope.Type(kind), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range by {
		if err := e.Add(key(name)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

var (
	bound  = envelope.DigestOf([]byte("binding"))
	device = key("device").Public().ID()
)

func good() Command {
	return Command{
		Action: Rebind, Backup: Backup{Gate: GateReceipt, Set: "rcp"}, Binding: bound, Case: "C-1", Device: device, Epoch: 3,
		ID: "id-1", Issued: 1_800_000_000, Level: Clear, NotAfter: 1_800_100_000, NotBefore: 1_800_000_000,
		Profile: Named{Digest: bound, ID: "p"}, Reason: "closed", Root: 1, Scope: []envelope.ID{"host-keys"}, Seq: 8, Terminal: "T-1", V: 1,
	}
}

func standing(t testing.TB) Terminal {
	return Terminal{
		Trust: believed(t), ID: "T-1", Device: device, Epoch: 3, Binding: bound, Reader: "PED-1", Live: "PED-1", LastSeq: 7,
		Consumed: func(id envelope.ID) bool { return id == "id-0" }, Challenge: "CH-1", Now: 1_800_050_000, Clock: true, Floor: 1_799_000_000,
	}
}

func TestVerifyRefusesEachWayByItsOwnCode(t *testing.T) {
	cases := []struct {
		name string
		bend func(*Command)
		at   func(*Terminal)
		want string
	}{
		{"good", nil, nil, ""},
		{"version", func(c *Command) { c.V = 2 }, nil, "E07:v"},
		{"action", func(c *Command) { c.Action = "destroy" }, nil, "E07:action"},
		{"an unknown gate counts as relaxed", func(c *Command) { c.Backup.Gate = "never" }, nil, "E05:missing-role"},
		{"time before the beginning", func(c *Command) { c.Backup.SealedAfter = -1 }, nil, "E05:missing-role"},
		{"level", func(c *Command) { c.Level = "gone" }, nil, "E07:level"},
		{"trust version", func(c *Command) { c.Root = 2 }, nil, "E08"},
		{"another terminal", func(c *Command) { c.Terminal = "T-2" }, nil, "E09:terminal"},
		{"another device key", func(c *Command) { c.Device = key("other").Public().ID() }, nil, "E09:device"},
		{"former enrolment", func(c *Command) { c.Epoch = 2 }, nil, "E10"},
		{"another binding", func(c *Command) { c.Binding = envelope.DigestOf(nil) }, nil, "E20"},
		{"another reader", nil, func(a *Terminal) { a.Live = "PED-2" }, "E21"},
		{"silent reader does not stop acceptance", nil, func(a *Terminal) { a.Live = "" }, ""},
		{"used id", func(c *Command) { c.ID = "id-0" }, nil, "E11:id"},
		{"old number", func(c *Command) { c.Seq = 7 }, nil, "E11:seq"},
		{"challenge", func(c *Command) { c.Challenge = "CH-1" }, nil, ""},
		{"challenge asks no clock", func(c *Command) { c.Challenge = "CH-1"; c.NotAfter = 5 }, func(a *Terminal) { a.Clock = false }, ""},
		{"used or replaced challenge", func(c *Command) { c.Challenge = "CH-0" }, nil, "E12"},
		{"no challenge outstanding", func(c *Command) { c.Challenge = "CH-1" }, func(a *Terminal) { a.Challenge = "" }, "E12"},
		{"expired by the floor", func(c *Command) { c.NotAfter = 1_799_000_000 }, nil, "E13:floor"},
		{"expired by the clock", nil, func(a *Terminal) { a.Now = 1_800_100_301 }, "E13:clock"},
		{"within the slack", nil, func(a *Terminal) { a.Now = 1_800_100_300 }, ""},
		{"not yet", nil, func(a *Terminal) { a.Now = 1_799_999_699 }, "E14"},
		{"no clock", nil, func(a *Terminal) { a.Clock = false }, "E15"},
		{"bundle expired", func(c *Command) { c.NotAfter = 3_000_000_000 }, func(a *Terminal) { a.Now = 2_000_000_001 }, "E13:trust"},
		{"policy", nil, func(a *Terminal) { a.Policy = func(*Command) (string, string) { return "set", "no such set" } }, "E17:set"},
		{"relaxed gate needs a third person", func(c *Command) { c.Backup.Gate = GateSealed }, nil, "E05:missing-role"},
		{"relaxing later needs a third person", func(c *Command) { c.Backup.SealedAfter = 72 }, nil, "E05:missing-role"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cmd, at := good(), standing(t)
			if c.bend != nil {
				c.bend(&cmd)
			}
			if c.at != nil {
				c.at(&at)
			}
			v, err := Verify(seal(t, Kind, cmd, "ops-1", "sec-1"), at)
			if got := envelope.CodeOf(err); got != c.want {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if err == nil && (v.Command().ID != cmd.ID || len(v.Approvers()) != 2) {
				t.Errorf("%+v %v", v.Command(), v.Approvers())
			}
		})
	}
}

func TestRelaxedGateWithTheThirdPerson(t *testing.T) {
	c := good()
	c.Backup.Gate = GateNone
	v, err := Verify(seal(t, Kind, c, "ops-1", "sec-1", "rel-1"), standing(t))
	unknown := good()
	unknown.Backup.Gate = "never"
	if _, err := Verify(seal(t, Kind, unknown, "ops-1", "sec-1", "rel-1"), standing(t)); envelope.CodeOf(err) != "E07:gate" {
		t.Errorf("an unknown gate: %v", err)
	}
	if err != nil || len(v.Approvers()) != 3 {
		t.Fatalf("%v", err)
	}
}

func TestVerifyRefusesForms(t *testing.T) {
	e := seal(t, Kind, good(), "ops-1", "sec-1")
	for name, c := range map[string]struct{ old, now, want string }{
		"duplicate member":  {`"seq":8`, `"seq":8,"seq":8`, "E06:duplicate-member"},
		"unknown member":    {`"seq":8`, `"seq":8,"then":1`, "E06:unknown-member"},
		"trailing bytes":    {`"v":1}`, `"v":1} {}`, "E06:trailing-bytes"},
		"not canonical":     {`"seq":8`, `"seq": 8`, "E06:not-canonical"},
		"free text":         {`"closed"`, `"closed, sorry"`, "E06:wrong-class"},
		"escaped duplicate": {`"seq":8`, `"\u0073eq":9,"seq":8`, "E06:duplicate-member"},
	} {
		t.Run(name, func(t *testing.T) {
			bent := &envelope.Envelope{PayloadType: e.PayloadType, Payload: []byte(strings.Replace(string(e.Payload), c.old, c.now, 1))}
			for _, by := range []string{"ops-1", "sec-1"} { // even rightly signed
				if err := bent.Add(key(by)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Verify(bent, standing(t)); envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestResumeAsksNoClockButEverySignature(t *testing.T) {
	tr := believed(t)
	e := seal(t, Kind, good(), "ops-1", "sec-1")
	if _, err := Resume(e, tr); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(e, tr.WithRevoked([]envelope.KeyID{key("sec-1").Public().ID()})); envelope.CodeOf(err) != "E05:revoked-key" {
		t.Errorf("a revoked key still approves: %v", err)
	}
	if _, err := Resume(seal(t, Kind, good(), "ops-1"), tr); envelope.CodeOf(err) != "E05:missing-role" {
		t.Errorf("one signature resumes: %v", err)
	}
}

func running(t testing.TB) Running {
	return Running{Trust: believed(t), Terminal: "T-1", Case: "C-1", Command: bound, Certificate: envelope.DigestOf([]byte("cert")), Amended: 0}
}

func TestFollowUps(t *testing.T) {
	cancel := Cancel{Case: "C-1", Command: bound, Terminal: "T-1", V: 1}
	amend := Amend{Allow: []envelope.ID{AllowReaderAbsent}, Case: "C-1", Command: bound, N: 1, Terminal: "T-1", V: 1}
	closing := Close{Case: "C-1", Certificate: envelope.DigestOf([]byte("cert")), Terminal: "T-1", V: 1}
	bent := func(f func(*Amend)) Amend { a := amend; f(&a); return a }
	cases := []struct {
		name, kind, want string
		v                any
		by               []string
	}{
		{"cancel", "cancel", "", cancel, []string{"ops-1"}},
		{"cancel by security", "cancel", "E05:missing-role", cancel, []string{"sec-1"}},
		{"cancel of another case", "cancel", "E28:case", Cancel{Case: "C-2", Command: bound, Terminal: "T-1", V: 1}, []string{"ops-1"}},
		{"cancel of another command", "cancel", "E28:command", Cancel{Case: "C-1", Command: envelope.DigestOf(nil), Terminal: "T-1", V: 1}, []string{"ops-1"}},
		{"cancel for another terminal", "cancel", "E09:terminal", Cancel{Case: "C-1", Command: bound, Terminal: "T-2", V: 1}, []string{"ops-1"}},
		{"amend", "amend", "", amend, []string{"ops-1", "sec-1", "rel-1"}},
		{"amend by two", "amend", "E05:missing-role", amend, []string{"ops-1", "sec-1"}},
		{"amend twice", "amend", "E11:amend", bent(func(a *Amend) { a.N = 2 }), []string{"ops-1", "sec-1", "rel-1"}},
		{"amend something unknown", "amend", "E07:allow", bent(func(a *Amend) { a.Allow = []envelope.ID{"everything"} }), []string{"ops-1", "sec-1", "rel-1"}},
		{"unsettled without amounts", "amend", "E07:exception", bent(func(a *Amend) { a.Allow = []envelope.ID{AllowUnsettled} }), []string{"ops-1", "sec-1", "rel-1"}},
		{"close", "close", "", closing, []string{"ops-1", "sec-1", "rel-1"}},
		{"close of another certificate", "close", "E28:certificate", Close{Case: "C-1", Certificate: bound, Terminal: "T-1", V: 1}, []string{"ops-1", "sec-1", "rel-1"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, r := seal(t, c.kind, c.v, c.by...), running(t)
			var err error
			switch c.kind {
			case "cancel":
				_, err = VerifyCancel(e, r)
			case "amend":
				_, err = VerifyAmend(e, r)
			default:
				_, err = VerifyClose(e, r)
			}
			if envelope.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAnswerIsTheTerminalsOwn(t *testing.T) {
	a := Answer{Case: "C-1", Code: CodeNone, N: 1, Outcome: Accepted, Subject: bound, Terminal: "T-1", V: 1}
	e := seal(t, "answer", a, "device")
	if got, err := OpenAnswer(e, key("device").Public()); err != nil || got != a {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := OpenAnswer(e, key("other").Public()); envelope.CodeOf(err) != "E04" {
		t.Errorf("another key: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	at := standing(f)
	f.Add(seal(f, Kind, good(), "ops-1", "sec-1").Encode())
	whole := seal(f, Kind, good(), "ops-1", "sec-1").Digest()
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := envelope.Parse(text, envelope.MaxCommand)
		if err != nil {
			return
		}
		if v, err := Verify(e, at); err == nil && v.Digest() != whole {
			t.Fatalf("a command that nobody signed was accepted")
		}
	})
}
