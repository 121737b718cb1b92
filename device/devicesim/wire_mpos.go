package devicesim

// The numbers of mpos as docs/WIRE-MPOS.md gives them, written down here a second time on purpose: see
// wire_pedlink.go.

const (
	mposLongest  = 1024 // LEN
	mposShortest = 4
	mposAround   = 5 // bytes of a frame that LEN does not count
	mposMark     = 0x2F
)

type mposCommand uint16

const (
	mposInfo        mposCommand = 0xF101
	mposRandom      mposCommand = 0xF102
	mposSerial      mposCommand = 0xFF01
	mposTamperClear mposCommand = 0xFF03
	mposTamper      mposCommand = 0xFF04
	mposLoadMaster  mposCommand = 0x1A02
	mposCrypt       mposCommand = 0x1A03
	mposMAC         mposCommand = 0x1A04
	mposWorkingKey  mposCommand = 0x1A05
	mposLoadDUKPT   mposCommand = 0x1A17
	mposDelete      mposCommand = 0x1A20
	mposNextKSN     mposCommand = 0x1A24
	mposRestart     mposCommand = 0x1B01
)

// mposResult is RC, how a request ended. Handlers return every one but rcOK as their error.
type mposResult string

const (
	rcOK        mposResult = "00"
	rcUnknown   mposResult = "01"
	rcMalformed mposResult = "02"
	rcNoIndex   mposResult = "03"
	rcRefused   mposResult = "05"
	rcDamaged   mposResult = "06"
	rcMemory    mposResult = "08"

	// The second result of everything that is done with keys; RC is then "00".
	keyMissing mposResult = "47"
	keyDone    mposResult = "00"
)

func (r mposResult) Error() string { return "mpos result " + string(r) }

// Kinds of keys: the high byte of a slot.
const (
	mposTDK   byte = 1
	mposTPK   byte = 2
	mposTAK   byte = 3
	mposTMK   byte = 4
	mposTLK   byte = 5
	mposDUKPT byte = 6
)

// mposKind says what a kind of key is and which indexes it has.
type mposKind struct{ typ, first, last byte }

var mposKinds = map[byte]mposKind{
	mposTDK:   {keyTDK, 1, 200},
	mposTPK:   {keyTPK, 1, 200},
	mposTAK:   {keyTAK, 1, 200},
	mposTMK:   {keyTMK, 2, 10},
	mposTLK:   {keyTLK, 1, 1},
	mposDUKPT: {keyIPEK, 1, 10},
}

// mposSlot names a place in the memory; false if the kind has no such index.
func mposSlot(kind, index byte) (uint16, bool) {
	k := mposKinds[kind]
	return uint16(kind)<<8 | uint16(index), k.first > 0 && index >= k.first && index <= k.last
}

// What DELETE calls the kinds, and its two sweeps.
const (
	deleteAll     = 4
	deleteWorking = 5
)

var mposDeletes = map[byte]byte{1: mposTDK, 2: mposTPK, 3: mposTAK, 6: mposTMK, 7: mposDUKPT}

// Values of single fields.
const (
	parentNone      = 0xFF // the key comes in clear
	parentTLK       = 0x01
	modeLoad        = 0x00
	modeUnexplained = 0x01
	modeTell        = 0x02
	modeEncrypt     = 0x00
	mposKCVBytes    = 4
	mposKSNBytes    = 10
	mposKeyBytes    = 16
)
