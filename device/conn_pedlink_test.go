package device

import (
	"errors"
	"strings"
	"testing"
)

// TestMemoryThatFailedUnderAChangeLeavesTheOutcomeOpen: whoever took it for a refusal would believe that nothing was
// erased.
func TestMemoryThatFailedUnderAChangeLeavesTheOutcomeOpen(t *testing.T) {
	for name, c := range map[string]struct {
		command uint16
		open    bool
	}{
		"commit": {cmdEraseCommit, true}, "begin": {cmdEraseBegin, true}, "cancel": {cmdEraseCancel, true},
		"freeze": {cmdFreeze, true}, "thaw": {cmdThaw, true}, "acknowledge": {cmdEventsAck, true}, "load": {cmdLoadKey, true},
		"rotate": {cmdRotate, true}, "restart": {cmdReboot, true}, "card": {cmdSAMExchange, true}, "a vendor's": {0x8000, true},
		"info": {cmdInfo, false}, "list": {cmdListKeys, false}, "probe": {cmdKeyProbe, false}, "status": {cmdEraseStatus, false},
		"follow": {cmdEventsSince, false},
	} {
		err := refusal(c.command, CodeMemory)
		if errors.Is(err, ErrTimeout) != c.open || errors.As(err, new(ErrRefused)) == c.open {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(err.Error(), "memory failed (0006)") {
			t.Errorf("%s: %v does not tell the status", name, err)
		}
		if err := refusal(c.command, CodeNotNow); !errors.As(err, new(ErrRefused)) {
			t.Errorf("%s refused: %v", name, err)
		}
	}
}

// introduction is what a reader says of itself, with the longest payload that it takes.
func introduction(serial string, longest uint16) []byte {
	b := appendField(nil, tagSerial, []byte(serial))
	for _, tag := range []byte{tagModel, tagFirmware, tagHardware} {
		b = appendField(b, tag, []byte("X1"))
	}
	b = appendField(b, tagRecordKey, make([]byte, 32))
	b = appendField32(appendField32(b, tagEraseCount, 0), tagBootCount, 1)
	return appendField(appendField16(b, tagMaxLength, longest), tagFlags, []byte{0})
}

// TestSessionRestsOnNothingToldInTheClear: who writes on the line before HELLO must not rule what is said behind it.
func TestSessionRestsOnNothingToldInTheClear(t *testing.T) {
	for name, c := range map[string]struct {
		serial  string
		longest uint16
		good    bool
	}{
		"as it is": {"PED-0001", 2048, true}, "the least": {"PED-0001", leastPayload, true},
		"too short": {"PED-0001", leastPayload - 1, false}, "another": {"PED-0002", 2048, false},
	} {
		onLine(name, t, func(t *testing.T, l *link, p *peer) {
			conn := newPedlink(l)
			conn.identity = Identity{Serial: "PED-0001", MaxLength: 9} // in the clear
			done := make(chan error, 1)
			go func() { done <- conn.confirm() }()
			p.answer(0, introduction(c.serial, c.longest))
			if err := <-done; (err == nil) != c.good {
				t.Errorf("error %v", err)
			} else if c.good && conn.identity.MaxLength != int(c.longest) {
				t.Errorf("it takes %d", conn.identity.MaxLength)
			}
		})
	}
}

// TestQuestionThatCannotBePutIsNoSignOfLife: a host that cannot ask has not heard the reader.
func TestQuestionThatCannotBePutIsNoSignOfLife(t *testing.T) {
	onLine("no room for a question", t, func(t *testing.T, l *link, p *peer) {
		conn := newPedlink(l)
		conn.identity.MaxLength = macLen + 1
		conn.checkAlive()
		if l.isAlive() {
			t.Error("the reader counts as alive")
		}
	})
}
