package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// A command with one thing wrong is refused with that thing's code, whoever
// signed it. All of them bear the id and the number of the right one, which is
// carried out afterwards: so none of them used anything up.
func TestABentCommandChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	right := w.draft()
	other := envelope.DigestOf([]byte("another"))
	now := time.Now().Unix()
	for _, c := range []struct {
		code string
		bend func(*command.Command)
	}{
		{"E09:terminal", func(c *command.Command) { c.Terminal = "T-30041878" }},
		{"E09:device", func(c *command.Command) { c.Device = envelope.NewSigner(w.key("ops-2")).Public().ID() }},
		{"E10", func(c *command.Command) { c.Epoch++ }},
		{"E20", func(c *command.Command) { c.Binding = other }},
		{"E13:floor", func(c *command.Command) { c.NotAfter = now - 2*command.Slack }},
		{"E14", func(c *command.Command) { c.NotBefore = now + 2*command.Slack }},
		{"E11:seq", func(c *command.Command) { c.Seq = 0 }},
		{"E12", func(c *command.Command) { c.Challenge = "0VAAFPC2NDTZN2FFKRJ3FQKG24" }},
		{"E08", func(c *command.Command) { c.Root++ }},
		{"E07:v", func(c *command.Command) { c.V = 2 }},
		{"E07:action", func(c *command.Command) { c.Action = "destroy" }},
		{"E07:level", func(c *command.Command) { c.Level = "burn" }},
		{"E17:action", func(c *command.Command) { c.Action = command.Retire }},
		{"E17:profile", func(c *command.Command) { c.Profile.Digest = other }},
		{"E17:reason", func(c *command.Command) { c.Reason = "why-not" }},
		{"E17:set", func(c *command.Command) { c.Backup.Set = "rcp-other" }},
		{"E17:level", func(c *command.Command) { c.Level = command.Purge }},
	} {
		w.refuses(w.order(bent(right, c.bend)), c.code)
	}
	w.untouched(before)
	w.toolRefuses(w.keep("other.json", w.order(bent(right, func(c *command.Command) { c.Terminal = "T-30041878" }))), "E09:terminal")
	w.toolRefuses(w.keep("late.json", w.order(bent(right, func(c *command.Command) { c.NotAfter = now - 2*command.Slack }))), "E13:floor")
	if seq := w.lastSeq(); seq != 0 {
		t.Errorf("the last number is %d", seq)
	}
	w.completes(21)
}

// Who must sign is counted in people and roles.
func TestTooFewPeopleChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	right := w.draft()
	sealedIsEnough := bent(right, func(c *command.Command) { c.Backup.Gate = command.GateSealed })
	for _, c := range []struct {
		code    string
		order   command.Command
		holders []string
	}{
		{"E04:unsigned", right, nil},
		{"E05:missing-role", right, []string{"ops-1"}},
		{"E05:missing-role", right, []string{"sec-1"}},
		{"E05:missing-role", right, []string{"ops-1", "ops-2"}},
		{"E05:missing-role", right, []string{"rel-1", "sec-1", "receipt-1", "reader-1"}},
		{"E05:missing-role", sealedIsEnough, []string{"ops-1", "sec-1"}},
		{"E05:missing-role", bent(right, func(c *command.Command) { c.Backup.SealedAfter = 1 }), []string{"ops-1", "sec-1"}},
		{"E17:gate", sealedIsEnough, []string{"ops-1", "sec-1", "rel-1"}}, // signed well enough; but there is no courier
	} {
		w.refuses(w.sealed(command.Kind, c.order, c.holders...), c.code)
	}
	forged := bytes.Replace(w.order(right), []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1)
	w.refuses(forged, "E05:bad-signature")
	w.untouched(before)
	w.toolRefuses(w.keep("one.json", w.sealed(command.Kind, right, "ops-1")), "E05:missing-role")
	w.completes(21)
}

// A file is taken in its one form or not at all: what is inside the signature,
// what is around it, and how much of it there is.
func TestAnotherFormChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{sales: 20, open: true})
	w.startDaemon()
	w.traded(20)
	before := w.until("a trusted clock", trusted)
	right := w.draft()
	good := w.order(right)
	said, err := envelope.Canonical(right)
	if err != nil {
		t.Fatal(err)
	}
	inside := func(old, new string) []byte {
		text := strings.Replace(string(said), old, new, 1)
		if text == string(said) {
			t.Fatalf("%s is not in the command", old)
		}
		return w.signed(envelope.Type(command.Kind), []byte(text), "ops-1", "sec-1")
	}
	around := func(old, new string) []byte {
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	nine := w.sealed(command.Kind, right, "ops-1", "ops-2", "sec-1", "rel-1", "root-1", "root-2", "root-3", "receipt-1", "reader-1")
	for _, c := range []struct {
		code string
		text []byte
	}{
		{"E06:not-canonical", inside(`,"case":`, `, "case":`)},
		{"E06:duplicate-member", inside(`{"action":"rebind"`, `{"action":"retire","action":"rebind"`)},
		{"E06:unknown-member", inside(`,"v":1}`, `,"v":1,"w":2}`)},
		{"E06:trailing-bytes", inside(`,"v":1}`, `,"v":1}{}`)},
		{"E06:wrong-class", inside(`"reason":"merchant-closed"`, `"reason":"merchant closed"`)},
		{"E02:duplicate-member", around(`{"payload":`, `{"payload":"e30=","payload":`)},
		{"E02:shape", around(`{"payload":`, `{"Payload":`)},
		{"E02:base64", around(`=="`, `"`)},
		{"E02:trailing-bytes", append(bytes.Clone(good), []byte("{}")...)},
		{"E02:syntax", good[:len(good)/2]},
		{"E01:signatures", nine},
		{"E01:bytes", around(`{"payload":`, `{`+strings.Repeat(" ", envelope.MaxCommand)+`"payload":`)},
		{"E01:bytes", around(`{"payload":`, `{`+strings.Repeat(" ", 1<<20)+`"payload":`)},
		{"E03", w.sealed("training-command", right, "ops-1", "sec-1")},
	} {
		w.refuses(c.text, c.code)
	}
	w.untouched(before)
	w.toolRefuses(w.keep("large.json", around(`{"payload":`, `{`+strings.Repeat(" ", 1<<20)+`"payload":`)), "E01:bytes")
	w.toolRefuses(w.keep("torn.json", good[:len(good)/2]), "E02:syntax")
	w.completes(21)
}
