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
