package command

import (
	"bytes"
	"testing"

	"unbindd/agent/envelope"
)

// FuzzFollow: what follows a command has to be signed, and an answer by the
// device key. kind chooses what the payload is taken for; signing it with the
// right keys shows the checks behind the signatures.
func FuzzFollow(f *testing.F) {
	r := running(f)
	approvers := map[string][]string{"cancel": {"ops-1"}, "amend": {"ops-1", "sec-1", "rel-1"}, "close": {"ops-1", "sec-1", "rel-1"}, "answer": {"device"}}
	kinds := []string{"cancel", "amend", "close", "answer"}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte) {
		name := kinds[int(kind)%len(kinds)]
		e := &envelope.Envelope{PayloadType: envelope.Type(name), Payload: payload}
		if taken(e, name, r) {
			t.Fatal("taken without a signature")
		}
		for _, who := range approvers[name] {
			if err := e.Add(key(who)); err != nil {
				t.Fatal(err)
			}
		}
		for _, other := range kinds {
			if other != name && taken(e, other, r) {
				t.Fatalf("%s was taken as %s", name, other)
			}
		}
		if taken(e, name, r) && name != "answer" && !bytes.Contains(payload, []byte(r.Case)) {
			t.Fatalf("%q was taken for case %s", payload, r.Case)
		}
	})
}

// taken says whether e passes as one of the kind.
func taken(e *envelope.Envelope, kind string, r Running) bool {
	var err error
	switch kind {
	case "cancel":
		_, err = VerifyCancel(e, r)
	case "amend":
		_, err = VerifyAmend(e, r)
	case "close":
		_, err = VerifyClose(e, r)
	default:
		_, err = OpenAnswer(e, key("device").Public())
	}
	return err == nil
}

// FuzzSigned: with the signatures of both roles, a command is accepted only if
// it is for this terminal, its binding and its next number, and was never seen.
func FuzzSigned(f *testing.F) {
	at := standing(f)
	payload, err := envelope.Canonical(good())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &envelope.Envelope{PayloadType: envelope.Type(Kind), Payload: payload}
		for _, who := range []string{"ops-1", "sec-1"} {
			if err := e.Add(key(who)); err != nil {
				t.Fatal(err)
			}
		}
		v, err := Verify(e, at)
		if err != nil {
			if envelope.CodeOf(err) == "" {
				t.Fatalf("refused without a code: %v", err)
			}
			return
		}
		c := v.Command()
		if c.V != 1 || c.Terminal != at.ID || c.Device != at.Device || c.Epoch != at.Epoch || c.Binding != at.Binding || c.Seq <= at.LastSeq ||
			at.Consumed(c.ID) || c.Relaxed() {
			t.Fatalf("%q was accepted", payload)
		}
	})
}
