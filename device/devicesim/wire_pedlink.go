package devicesim

// The numbers of pedlink/1 as docs/WIRE-READER.md gives them. They are written down here a second time on
// purpose: a simulator that shared the driver's constants and codec would agree with its mistakes.

const (
	maxPayload = 4096
	window     = 64
	pageSlots  = 32
	sends      = 3
)

type frameType byte

const (
	tCMD    frameType = 0x11
	tRSP    frameType = 0x12
	tEVT    frameType = 0x13
	tACK    frameType = 0x14
	tNAK    frameType = 0x15
	tBUSY   frameType = 0x16
	tRST    frameType = 0x17
	tRSTACK frameType = 0x18
)

type opcode uint16

const (
	opHello       opcode = 0x0001
	opInfo        opcode = 0x0002
	opTamper      opcode = 0x0003
	opReboot      opcode = 0x0004
	opListKeys    opcode = 0x0101
	opKeyProbe    opcode = 0x0102
	opLoadKey     opcode = 0x0103
	opEraseBegin  opcode = 0x0201
	opEraseCommit opcode = 0x0202
	opEraseStatus opcode = 0x0203
	opEraseCancel opcode = 0x0204
	opCardPower   opcode = 0x0301
	opCardAPDU    opcode = 0x0302
	opCardList    opcode = 0x0303
	opEventsSince opcode = 0x0401
	opEventsAck   opcode = 0x0402
	opFreeze      opcode = 0x0501
	opThaw        opcode = 0x0502
	opRotate      opcode = 0x0601
)

type tag byte

const (
	tgSerial     tag = 0x01
	tgNonce      tag = 0x02
	tgSlot       tag = 0x03
	tgKeyType    tag = 0x04
	tgKCV        tag = 0x05
	tgEvent      tag = 0x06
	tgEraseCount tag = 0x07
	tgOrder      tag = 0x08
	tgTicket     tag = 0x09
	tgScope      tag = 0x0A
	tgRecordJSON tag = 0x0B
	tgSignature  tag = 0x0C
	tgState      tag = 0x0D
	tgBacklog    tag = 0x0E
	tgModel      tag = 0x10
	tgFirmware   tag = 0x11
	tgHardware   tag = 0x12
	tgRecordKey  tag = 0x13
	tgBootCount  tag = 0x14
	tgMaxLength  tag = 0x15
	tgFlags      tag = 0x16
	tgChallenge  tag = 0x17
	tgSlotsHash  tag = 0x18
	tgKeyEntry   tag = 0x19
	tgReason     tag = 0x1A
	tgKSN        tag = 0x1B
	tgAlgorithm  tag = 0x1C
	tgRecord     tag = 0x1D
	tgWait       tag = 0x1E
	tgProbe      tag = 0x1F
	tgRevision   tag = 0x20
	tgOffers     tag = 0x21
	tgSocket     tag = 0x22
	tgSocketBits tag = 0x23
	tgATR        tag = 0x24
	tgPower      tag = 0x25
	tgAPDU       tag = 0x26
	tgKeyBlock   tag = 0x27
	tgRotations  tag = 0x28
	tgRotation   tag = 0x29
	tgNewValue   tag = 0x2A
	tgTampers    tag = 0x2B
)

// status is how a command ended.
type status uint16

const (
	stOK            status = 0x0000
	stUnknown       status = 0x0001
	stMalformed     status = 0x0002
	stNoSession     status = 0x0003
	stBadMAC        status = 0x0004
	stLocked        status = 0x0005
	stMemory        status = 0x0006
	stNotNow        status = 0x0007
	stNoSlot        status = 0x0101
	stNoKey         status = 0x0102
	stKeyBlocked    status = 0x0103
	stBlockForm     status = 0x0104
	stBlockForged   status = 0x0105
	stMisfit        status = 0x0106
	stNoParent      status = 0x0107
	stNoChallenge   status = 0x0201
	stTicketForm    status = 0x0202
	stTicketForged  status = 0x0203
	stTicketSerial  status = 0x0204
	stTicketStale   status = 0x0205
	stTicketCounter status = 0x0206
	stTicketScope   status = 0x0207
	stTicketOrder   status = 0x0208
	stEventsHeld    status = 0x0209
	stEraseRefused  status = 0x020A
	stNoOrder       status = 0x020B
	stScope         status = 0x020C
	stNoSocket      status = 0x0301
	stNoCard        status = 0x0302
	stCardOff       status = 0x0303
	stCardMute      status = 0x0304
	stCardLong      status = 0x0305
	stEventAhead    status = 0x0401
	stEventUnpushed status = 0x0402
	stOrderForm     status = 0x0601
	stOrderForged   status = 0x0602
	stOrderSerial   status = 0x0603
	stOrderCounter  status = 0x0604
	stOrderValue    status = 0x0605
)

const (
	evTransaction uint16 = 0x0001
	evBatchClose  uint16 = 0x0002
	evTamper      uint16 = 0x0003
	evBattery     uint16 = 0x0004
	evCard        uint16 = 0x0005
	evOther       uint16 = 0x00FF
)
