package device

import "fmt"

// Constants of pedlink/1: docs/WIRE-READER.md is their specification.

const (
	protocolVersion = 1 // of the frames; what a reader speaks inside them it tells as revision
	maxPayload      = 4096
	leastPayload    = 512 // that every reader takes
	eventWindow     = 64  // events the reader may push before they are acknowledged by number
	slotsPerAnswer  = 32
	maxSends        = 3
)

const (
	typCommand  = protocolVersion<<4 | 1
	typResponse = protocolVersion<<4 | 2
	typEvent    = protocolVersion<<4 | 3
	typAck      = protocolVersion<<4 | 4
	typNak      = protocolVersion<<4 | 5
	typBusy     = protocolVersion<<4 | 6
	typReset    = protocolVersion<<4 | 7
	typResetAck = protocolVersion<<4 | 8
)

const (
	cmdHello       = 0x0001
	cmdInfo        = 0x0002
	cmdTamper      = 0x0003
	cmdReboot      = 0x0004
	cmdListKeys    = 0x0101
	cmdKeyProbe    = 0x0102
	cmdLoadKey     = 0x0103
	cmdEraseBegin  = 0x0201
	cmdEraseCommit = 0x0202
	cmdEraseStatus = 0x0203
	cmdEraseCancel = 0x0204
	cmdSAMPower    = 0x0301
	cmdSAMExchange = 0x0302
	cmdSAMList     = 0x0303
	cmdEventsSince = 0x0401
	cmdEventsAck   = 0x0402
	cmdFreeze      = 0x0501
	cmdThaw        = 0x0502
	cmdRotate      = 0x0601
)

const (
	tagSerial      = 0x01
	tagNonce       = 0x02
	tagSlot        = 0x03
	tagKeyType     = 0x04
	tagKCV         = 0x05
	tagEventNumber = 0x06
	tagEraseCount  = 0x07
	tagOrder       = 0x08
	tagTicket      = 0x09
	tagScope       = 0x0A
	tagTransaction = 0x0B
	tagSignature   = 0x0C
	tagState       = 0x0D
	tagBacklog     = 0x0E
	tagModel       = 0x10
	tagFirmware    = 0x11
	tagHardware    = 0x12
	tagRecordKey   = 0x13
	tagBootCount   = 0x14
	tagMaxLength   = 0x15
	tagFlags       = 0x16
	tagChallenge   = 0x17
	tagSlotsDigest = 0x18
	tagKeyEntry    = 0x19
	tagReason      = 0x1A
	tagKSN         = 0x1B
	tagAlgorithm   = 0x1C
	tagRecord      = 0x1D
	tagWait        = 0x1E
	tagProbe       = 0x1F
	tagRevision    = 0x20
	tagOffers      = 0x21
	tagSocket      = 0x22
	tagSocketFlags = 0x23
	tagATR         = 0x24
	tagPower       = 0x25
	tagAPDU        = 0x26
	tagKeyBlock    = 0x27
	tagRotations   = 0x28
	tagRotation    = 0x29
	tagNewValue    = 0x2A
	tagTampers     = 0x2B
)

const (
	flagFrozen    = 1 << 0
	flagTampered  = 1 << 1
	flagChallenge = 1 << 2

	socketCard    = 1 << 0 // for the customer's card
	socketPresent = 1 << 1
	socketPowered = 1 << 2
)

// Code is the status of a response on the line; 0 is success.
type Code uint16

// Status codes of pedlink/1, docs/WIRE-READER.md section 6.
const (
	CodeOK             Code = 0x0000
	CodeUnknownCommand Code = 0x0001
	CodeMalformed      Code = 0x0002
	CodeNoSession      Code = 0x0003
	CodeBadMAC         Code = 0x0004
	CodeLocked         Code = 0x0005
	CodeMemory         Code = 0x0006
	CodeNotNow         Code = 0x0007
	CodeNoSlot         Code = 0x0101
	CodeNoKey          Code = 0x0102
	CodeKeyBlocked     Code = 0x0103
	CodeBlockForm      Code = 0x0104
	CodeBlockForged    Code = 0x0105
	CodeKeyMisfit      Code = 0x0106
	CodeNoParent       Code = 0x0107
	CodeNoChallenge    Code = 0x0201
	CodeTicketForm     Code = 0x0202
	CodeTicketForged   Code = 0x0203
	CodeTicketSerial   Code = 0x0204
	CodeTicketStale    Code = 0x0205
	CodeTicketCounter  Code = 0x0206
	CodeTicketScope    Code = 0x0207
	CodeTicketOrder    Code = 0x0208
	CodeEventsHeld     Code = 0x0209
	CodeEraseRefused   Code = 0x020A
	CodeNoOrder        Code = 0x020B
	CodeScope          Code = 0x020C
	CodeNoSocket       Code = 0x0301
	CodeNoCard         Code = 0x0302
	CodeCardOff        Code = 0x0303
	CodeCardMute       Code = 0x0304
	CodeCardLong       Code = 0x0305
	CodeEventAhead     Code = 0x0401
	CodeEventUnpushed  Code = 0x0402
	CodeOrderForm      Code = 0x0601
	CodeOrderForged    Code = 0x0602
	CodeOrderSerial    Code = 0x0603
	CodeOrderCounter   Code = 0x0604
	CodeOrderValue     Code = 0x0605
)

var codeTexts = map[Code]string{
	CodeOK:             "done",
	CodeUnknownCommand: "unknown command",
	CodeMalformed:      "malformed command",
	CodeNoSession:      "no session",
	CodeBadMAC:         "message authentication failed",
	CodeLocked:         "blocked after failed proofs",
	CodeMemory:         "reader's memory failed",
	CodeNotNow:         "not while frozen, tampered or challenged",
	CodeNoSlot:         "no such slot",
	CodeNoKey:          "no key in the slot",
	CodeKeyBlocked:     "key is blocked",
	CodeBlockForm:      "key block is malformed",
	CodeBlockForged:    "key block is not authentic",
	CodeKeyMisfit:      "key does not fit the slot",
	CodeNoParent:       "key that protects the block is missing",
	CodeNoChallenge:    "no challenge is outstanding",
	CodeTicketForm:     "ticket is malformed",
	CodeTicketForged:   "signature of the ticket is wrong",
	CodeTicketSerial:   "ticket is for another reader",
	CodeTicketStale:    "ticket answers another challenge",
	CodeTicketCounter:  "ticket is for another erase counter",
	CodeTicketScope:    "ticket is for other slots",
	CodeTicketOrder:    "ticket is for another command",
	CodeEventsHeld:     "unacknowledged events are held",
	CodeEraseRefused:   "reader does not erase",
	CodeNoOrder:        "no erase of this command is known",
	CodeScope:          "scope names a slot that cannot be erased",
	CodeNoSocket:       "no such socket",
	CodeNoCard:         "no card in the socket",
	CodeCardOff:        "card is not powered",
	CodeCardMute:       "card does not answer",
	CodeCardLong:       "response of the card is too long",
	CodeEventAhead:     "event number is ahead of the reader",
	CodeEventUnpushed:  "event was not pushed yet",
	CodeOrderForm:      "order is malformed",
	CodeOrderForged:    "signature of the order is wrong",
	CodeOrderSerial:    "order is for another reader",
	CodeOrderCounter:   "order is for another rotation counter",
	CodeOrderValue:     "order is for another value",
}

// String names the status for people and keeps its number for the manual.
func (c Code) String() string {
	text, known := codeTexts[c]
	if !known {
		text = "unknown status"
	}
	return fmt.Sprintf("%s (%04X)", text, uint16(c))
}

// Event codes that the reader pushes.
const (
	EventTransaction uint16 = 0x0001
	EventBatchClose  uint16 = 0x0002
	EventTamper      uint16 = 0x0003
	EventBattery     uint16 = 0x0004
	EventCard        uint16 = 0x0005
	EventOther       uint16 = 0x00FF
)

var (
	keyTypes   = map[byte]string{1: "TLK", 2: "TMK", 3: "TPK", 4: "TAK", 5: "TDK", 6: "IPEK", 0x20: "LINK", 0x21: "RECORD"}
	algorithms = map[byte]string{1: "3DES", 2: "AES-128", 3: "ED25519", 4: "SM4", 5: "DES", 6: "AES-192", 7: "AES-256"}
	kcvMethods = map[byte]string{1: "zero-block", 2: "cmac", 3: "zero-block", 4: "globalplatform"}
	slotStates = map[byte]SlotState{0: SlotEmpty, 1: SlotLoaded, 2: SlotExhausted, 3: SlotBlocked}
	reasons    = map[byte]string{1: "remote-loading", 2: "reader-link", 3: "record-signing"}
)
