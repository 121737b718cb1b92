package receipt

import (
	"testing"

	"unbindd/agent/envelope"
)

// A receipt for a certificate has nothing to count: one with totals is not what
// the terminal waits for.
func TestACertificatesReceiptHasNoTotals(t *testing.T) {
	r, want := good()
	r.Kind, r.Verified, want.Kind, want.Verified, want.Totals = "certificate", Checked, "certificate", Checked, nil
	for name, c := range map[string]struct {
		totals *Totals
		code   string
	}{"none": {nil, ""}, "some": {r.Totals, "E24:totals"}} {
		r.Totals = c.totals
		e, err := envelope.Seal(envelope.Type(Kind), r, key("receipt-1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Check(e, believed(t), want); envelope.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}
