package device

import (
	"errors"
	"fmt"
)

// Errors a caller decides by. ErrHangup and ErrTimeout leave the outcome of the command unknown:
// ask again (EraseStatus, Slots, Follow), never repeat blindly. ErrTimeout is also what an answer is that says the
// reader itself does not know (pedlink's status 0006 to a command that changes something).
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

// ErrRefused is a definite no of the reader: the command was understood and nothing was done. An order of several parts
// (DeleteKeys) may have been carried out in others. Text tells it as the reader's protocol does, "" in pedlink. Code is
// pedlink's status; another protocol sets it only where it means just that, and leaves CodeOK where there is none.
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

// halfDone is the answer of a reader whose memory failed under a change: nobody knows what came of it.
type halfDone struct{ status Code }

// Error names the status.
func (e halfDone) Error() string { return fmt.Sprintf("outcome unknown: %s", e.status) }

// Is makes it an ErrTimeout to whoever decides what to ask next.
func (halfDone) Is(target error) bool { return target == ErrTimeout }

func isRefusal(err error, code Code) bool {
	var refused ErrRefused
	return errors.As(err, &refused) && refused.Code == code
}
