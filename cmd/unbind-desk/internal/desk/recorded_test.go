package desk

import (
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// A reader that signs what it erases cannot be called erased without its
// signature; one that was bound as signing nothing can, and a terminal cannot
// make the first into the second.
func TestErasedNeedsTheWordOfAReaderThatHasOne(t *testing.T) {
	slots := []certificate.Slot{{Slot: 16, Type: "TMK", After: "empty"}}
	for name, c := range map[string]struct {
		driver envelope.ID
		said   certificate.Reader
		code   string
	}{
		"erased, unsigned, a reader that signs":         {"", certificate.Reader{Outcome: "erased", Slots: slots}, "E06:record"},
		"erased, unsigned, a reader that signs none":    {"mpos", certificate.Reader{Outcome: "erased", Slots: slots}, ""},
		"nothing to erase":                              {"", certificate.Reader{Outcome: "erased"}, ""},
		"not erased":                                    {"", certificate.Reader{Outcome: "refused", Slots: slots}, ""},
		"authenticated without a record":                {"", certificate.Reader{Outcome: "erased", Authenticated: true, Slots: slots}, "E06:record"},
		"authenticated, by a reader that signs nothing": {"mpos", certificate.Reader{Outcome: "erased", Authenticated: true, Slots: slots, Record: &certificate.Record{Ticket: make([]byte, 32), Nonce: make([]byte, 16)}}, "E06:record"},
	} {
		s := standing{on: &grounds.Grounds{Binding: enrol.Binding{Reader: enrol.Reader{Driver: c.driver}}}}
		if err := recorded(s, c.said); envelope.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}
