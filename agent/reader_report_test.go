package agent

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

func (b *bound) look() local.ReaderReport {
	b.t.Helper()
	v, err := b.a.readerReport(httptest.NewRequestWithContext(b.ctx, "GET", "/v1/reader", nil))
	b.no(err)
	return v.(local.ReaderReport)
}

func (b *bound) testReader() local.ReaderTest {
	b.t.Helper()
	v, err := b.a.readerTest(httptest.NewRequestWithContext(b.ctx, "POST", "/v1/reader/test", nil))
	b.no(err)
	return v.(local.ReaderTest)
}

// A person is told what is on the line, and asking changes nothing there.
func TestTheReaderIsToldAsItIs(t *testing.T) {
	b := newBound(t)
	before := b.sim.State()
	r := b.look()
	if r.State != "ready" || r.Serial != r.Bound || r.Serial == "" || r.Driver != "pedlink" || r.Tamper != "intact" || len(r.Unsupported) > 0 {
		t.Errorf("the report is %+v", r)
	}
	v, err := b.a.readerSlots(httptest.NewRequestWithContext(b.ctx, "GET", "/v1/reader/slots", nil))
	b.no(err)
	slots := v.(local.KeySlots).Slots
	if !slices.ContainsFunc(slots, func(s local.KeySlot) bool { return s.Retained }) || len(slots) < len(before.Slots) {
		t.Errorf("the slots are %+v", slots)
	}
	if got := b.testReader(); !got.OK || got.Rounds != testRounds || got.Median == 0 {
		t.Errorf("a good reader's test is %+v", got)
	}
	after := b.sim.State()
	for i, s := range after.Slots {
		if s.Zeroised != before.Slots[i].Zeroised || s.State != before.Slots[i].State {
			t.Errorf("slot %d changed by being looked at", s.Slot)
		}
	}
}

// A test goes on after what failed, and says it all.
func TestATamperedReaderFailsItsTest(t *testing.T) {
	b := newBound(t)
	b.no(b.sim.Tamper())
	got := b.testReader()
	i := slices.IndexFunc(got.Checks, func(c local.ReaderCheck) bool { return c.Check == "tamper" })
	if got.OK || i < 0 || got.Checks[i].Result != local.CheckFailed || len(got.Checks) <= i+1 {
		t.Errorf("the test is %+v", got)
	}
}

// Another reader is told by its name, and nothing more is asked of it.
func TestAForeignReaderIsTold(t *testing.T) {
	b := newBound(t)
	b.exchangeReader("PED-STRANGE")
	r := b.look()
	if r.Serial != "PED-STRANGE" || r.Serial == r.Bound || r.State != "foreign" || len(r.Can) > 0 {
		t.Errorf("the report is %+v", r)
	}
	if got := b.testReader(); got.OK || !strings.Contains(got.Checks[0].Detail, "PED-STRANGE") || len(got.Checks) != 1 {
		t.Errorf("the test is %+v", got)
	}
}

// Whatever a reader says, the certificate can carry it.
func TestWhatAReaderSaysCanBeSigned(t *testing.T) {
	said := printable("slot 1:\n\"no\" <é>\x00 " + strings.Repeat("x", 2*mostWords))
	if _, err := envelope.Canonical(map[string]string{"detail": said}); err != nil || len(said) != mostWords {
		t.Errorf("%d bytes, %v: %s", len(said), err, said[:20])
	}
}
