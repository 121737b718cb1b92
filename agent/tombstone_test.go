package agent

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/transport"
)

// toldLate is a link whose first request is lost.
type toldLate struct {
	transport.Link
	asked, told *int
}

func (l toldLate) Reveal(context.Context, string, []byte) error {
	if *l.asked++; *l.asked == 1 {
		return errors.New("timeout")
	}
	*l.told++
	return nil
}

func (l toldLate) Close() error { return nil }

// Only a close of the newest certificate ends the telling: one of an earlier
// certificate, which the reader's return has superseded, ended nothing.
func TestAnOldCloseDoesNotEndTheTelling(t *testing.T) {
	b := newBound(t)
	asked, told := 0, 0
	b.a.ways = func(route, transport.Identity) (transport.Link, error) {
		return toldLate{asked: &asked, told: &told}, nil
	}
	b.a.rest = func(context.Context, <-chan struct{}, int, error) error { return nil }
	var closes [2]json.RawMessage // of the newest certificate, of an earlier one
	b.sell(3)
	b.accept()
	c := b.carrier(journal.Plan{Reversible: b.a.plan.Reversible[:6], Gate: b.gate, Final: b.a.plan.Final})
	c.Watch = func(e journal.Event) {
		switch {
		case e.Step == "sign-certificate" && e.Moment == journal.Recorded:
			b.certified()
			e, _, err := b.a.signed()
			b.no(err)
			for i, of := range []envelope.Digest{e.Digest(), envelope.DigestOf([]byte("an earlier one"))} {
				say := command.Close{Case: b.order.Case, Certificate: of, Terminal: b.order.Terminal, V: 1}
				closes[i] = b.seal("close", say, "ops-1", "sec-1", "rel-1").Encode()
			}
		case e.Step == "erase-identity" && e.Moment == journal.Recorded:
			for i, ends := range []bool{true, false} {
				b.no(b.a.journal.Save(noteClose, closes[i]))
				if forced, err := b.a.forced(); forced != ends || err != nil {
					t.Errorf("close %d: the telling may end: %v %v", i, forced, err)
				}
			}
		}
	}
	_, err := c.Carry(b.ctx)
	b.no(err)
	if asked != 2 || told != 1 {
		t.Errorf("asked %d times, and told the desk %d times", asked, told)
	}
}
