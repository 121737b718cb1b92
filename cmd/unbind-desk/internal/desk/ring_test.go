package desk

import (
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// A long poll is woken by what its terminal reads, and by nothing else.
func TestOnlyWhatTerminalsReadWakesThem(t *testing.T) {
	s, err := store.New(storetest.NewMemory())
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Seal(envelope.Type("papers"), map[string]any{"v": 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind  string
		of    envelope.ID
		woken bool
	}{
		{"command", "T-1", true}, {"command", "T-2", false}, {trust.Kind, "", true}, {profile.Kind, "", true},
		{kindCustody, "", false}, {kindValidation, "", false},
	} {
		d := &Desk{Parts: Parts{Store: s}, bell: newBell()}
		d.believed.Store(&belief{})
		changed := d.bell.wait("T-1")
		_, err := d.publish(c.kind, e, Unseen, func(*store.Tx, *envelope.Envelope, int64) (Published, error) {
			return Published{Terminal: c.of}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		woken := false
		select {
		case <-changed:
			woken = true
		default:
		}
		if woken != c.woken {
			t.Errorf("%s for %q: T-1 is woken: %v", c.kind, c.of, woken)
		}
	}
}
