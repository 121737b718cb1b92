package device

import "fmt"

// Constants of mpos: docs/WIRE-MPOS.md is their specification, and says which of them were published and which inferred.

const mposName = "mpos"

const (
	mposInfo       = 0xF101
	mposSerial     = 0xFF01
	mposTamper     = 0xFF04
	mposLoadMaster = 0x1A02
	mposCrypt      = 0x1A03
	mposMAC        = 0x1A04
	mposWorkKey    = 0x1A05
	mposDeleteKey  = 0x1A20
	mposRestart    = 0x1B01
)

const (
	mposModeLoad = 0x00 // of mposWorkKey: the key is encrypted
	mposModeKCV  = 0x02 // of mposWorkKey: tell the KCV of what is there
	mposUnderTLK = 0x01 // of mposLoadMaster
	mposEncrypt  = 0x00 // of mposCrypt
)

// Result codes, two ASCII characters: the first of every answer, and a second one in answers about a key.
const (
	mposOK      = "00"
	mposUnknown = "01"
	mposNoPlace = "03"
	mposRefused = "05" // asked for a KCV: there is something that cannot be used
	mposDamaged = "06" // the request came with a wrong LRC
	mposNoKey   = "47" // second result only
)

var mposResults = map[string]string{
	mposUnknown: "unknown command",
	"02":        "malformed command",
	mposNoPlace: "no such slot",
	mposRefused: "refused",
	mposDamaged: "damaged on the line",
	"08":        "reader's memory failed",
	mposNoKey:   "no key in the slot",
}

// mposRefusal turns the result of an answer into what a caller decides by.
func mposRefusal(result string) error {
	switch result {
	case mposOK:
		return nil
	case mposUnknown:
		return ErrUnsupported
	case mposNoKey:
		return ErrNoKey
	}
	text, known := mposResults[result]
	if !known {
		text = "unknown result"
	}
	return ErrRefused{Text: fmt.Sprintf("%s (mpos %s)", text, result)}
}

func isMposResult(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(b) == 2
}

// Algorithms in the answer to mposWorkKey, and how each one's KCV is made.
var (
	mposAlgorithms = map[byte]string{1: "DES", 2: "3DES", 3: "AES-128", 4: "SM4"}
	mposMethods    = map[byte]string{1: "zero-block", 2: "zero-block", 3: "cmac", 4: "zero-block"}
)
