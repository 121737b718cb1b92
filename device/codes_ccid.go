package device

import "fmt"

// Messages of CCID (USB-IF, Integrated Circuit(s) Cards Interface Devices, revision 1.1, section 6); over a serial
// line they travel in the frames of frame_ccid.go.
const (
	ccidSetParameters = 0x61
	ccidPowerOn       = 0x62
	ccidPowerOff      = 0x63
	ccidSlotStatus    = 0x65
	ccidEscape        = 0x6B
	ccidXfrBlock      = 0x6F
	ccidSetDataRate   = 0x73 // the highest of the host

	ccidDataBlock    = 0x80
	ccidSlotIs       = 0x81
	ccidParameters   = 0x82
	ccidEscapeAnswer = 0x83
	ccidDataRate     = 0x84
)

// ccidAnswers is which message answers which.
var ccidAnswers = map[byte]byte{
	ccidSetParameters: ccidParameters,
	ccidPowerOn:       ccidDataBlock,
	ccidPowerOff:      ccidSlotIs,
	ccidSlotStatus:    ccidSlotIs,
	ccidEscape:        ccidEscapeAnswer,
	ccidXfrBlock:      ccidDataBlock,
}

// bError of an answer that failed; below 80 it is the place of the field that is wrong, 0 the command itself.
const (
	ccidNoCommand  = 0x00
	ccidNoSlot     = 0x05
	ccidNoVoltage  = 0x07
	ccidBusy       = 0xE0
	ccidBadATR     = 0xF8
	ccidParity     = 0xFD
	ccidMute       = 0xFE
	ccidUserFirst  = 0x80
	ccidUserBehind = 0xC1
)

var ccidErrors = map[byte]string{
	ccidNoCommand: "command is not supported",
	0x01:          "length is wrong",
	ccidNoSlot:    "no such socket",
	ccidNoVoltage: "voltage is not supported",
	ccidBusy:      "socket is busy",
	0xEF:          "entry was cancelled",
	0xF0:          "entry took too long",
	0xF2:          "socket is busy with a sequence of its own",
	0xF3:          "protocol is deactivated",
	0xF4:          "card sent a wrong procedure byte",
	0xF5:          "class is not supported",
	0xF6:          "protocol is not supported",
	0xF7:          "checksum of the answer to reset is wrong",
	ccidBadATR:    "answer to reset does not begin as one",
	0xFB:          "hardware error",
	0xFC:          "card sent too much",
	ccidParity:    "parity error",
	ccidMute:      "card does not answer",
	0xFF:          "command was aborted",
}

// ccidFailure is an answer that says no, with what it says about the socket.
type ccidFailure struct {
	code byte
	icc  byte
}

// Error names the failure and keeps its number for the manual.
func (f ccidFailure) Error() string {
	text, known := ccidErrors[f.code]
	switch {
	case known:
	case f.code < ccidUserFirst:
		text = fmt.Sprintf("field at byte %d is wrong", f.code)
	case f.code < ccidUserBehind:
		text = "error of the maker"
	default:
		text = "unknown error"
	}
	return fmt.Sprintf("%s (ccid %02X)", text, f.code)
}

// refused is the failure for callers: nothing was done. Where another protocol has a status of its own for the
// same thing, so that a caller can decide by it, that is its code.
func (f ccidFailure) refused() error {
	r := ErrRefused{Text: f.Error()}
	switch {
	case f.code == ccidNoSlot:
		r.Code = CodeNoSocket
	case f.icc == ccidAbsent:
		r.Code = CodeNoCard
	case f.code == ccidMute:
		r.Code = CodeCardMute
	}
	return r
}
