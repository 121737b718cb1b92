package device

import (
	"errors"
	"fmt"
)

// Errors a caller decides by. ErrHangup and ErrTimeout leave the outcome of the command unknown:
// ask again (EraseStatus, Slots, Follow), never repeat blindly.
var (
	ErrHangup      = errors.New("line lost, outcome unknown")
	ErrTimeout     = errors.New("no answer in time, outcome unknown")
	ErrAbsent      = errors.New("reader not reachable, nothing was sent")
	ErrBusy        = errors.New("line is held by another process")
	ErrLocked      = errors.New("pairing refused")
	ErrUnpaired    = errors.New("reader is not paired with this terminal")
	ErrNoKey       = errors.New("no key in the slot")
	ErrUnsupported = errors.New("reader does not know this command")
	ErrNoRestart   = errors.New("reader answers and did not restart")
	ErrClosed      = errors.New("reader was closed by this program")
)

// ErrRefused is a definite no of the reader: the command was understood and nothing was done, unless the reader's
// memory failed. Code is a status of pedlink, and then Text is empty; every other protocol tells its own in Text.
type ErrRefused struct {
	Code Code
	Text string
}

// Error names the status.
func (e ErrRefused) Error() string { return "reader refused: " + e.Reason() }

// Reason is the status in words, with its number in the protocol that the reader speaks.
func (e ErrRefused) Reason() string {
	if e.Text != "" {
		return e.Text
	}
	return e.Code.String()
}

// ErrForeign says that another reader than the bound one is on the line; Serial is what it calls itself.
type ErrForeign struct{ Serial string }

// Error names the stranger.
func (e ErrForeign) Error() string { return fmt.Sprintf("foreign reader %s on the line", e.Serial) }

// errDamaged is what a decoder says about bytes that are no pedlink.
var errDamaged = errors.New("damaged message")

func isRefusal(err error, code Code) bool {
	var refused ErrRefused
	return errors.As(err, &refused) && refused.Code == code
}
