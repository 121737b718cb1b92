package device

import "fmt"

// t0 carries commands in the TPDUs of T=0 (ISO/IEC 7816-3, section 12.2), over something that carries one TPDU
// and brings its response: the procedure bytes are the reader's business.
//
//	case 1 (no data)              header
//	case 2 (data back)            header P3=Le; 6Cxx: the module did nothing, again with P3=xx
//	case 3 (data there)           header P3=Lc data
//	case 4 (data there and back)  as case 3, then 61xx: GET RESPONSE
//
// 61xx is followed as far as the command asked for data. A 9000 of case 4 is passed on as it is.
type t0 struct {
	carry func(tpdu []byte) ([]byte, error)
}

const (
	insGetResponse = 0xC0
	swWrongLe      = 0x6C
	swMoreData     = 0x61
)

// exchange passes a refusal of the first TPDU on; after it every error leaves the outcome unknown.
func (t t0) exchange(apdu []byte) ([]byte, error) {
	tpdu, wanted, err := tpduOf(apdu)
	if err != nil {
		return nil, err
	}
	response, err := t.carry(tpdu)
	if err != nil {
		return nil, firstOutcome(err)
	}
	if len(tpdu) == 5 && wanted > 0 {
		response, err = t.withRightLength(tpdu, response)
	}
	if err == nil {
		response, err = t.fetch(apdu[0], response, wanted)
	}
	if err != nil {
		return nil, unknownOutcome(err)
	}
	return response, nil
}

// tpduOf is the first TPDU of a short command, and how many bytes it wants back (256 for Le 00).
func tpduOf(apdu []byte) (tpdu []byte, wanted int, err error) {
	le := func(b byte) int { return int(b-1) + 1 } // 00 is 256
	switch {
	case len(apdu) == 4:
		return apdu, 0, nil
	case len(apdu) == 5:
		return apdu, le(apdu[4]), nil
	case apdu[4] != 0 && len(apdu) == 5+int(apdu[4]):
		return apdu, 0, nil
	case apdu[4] != 0 && len(apdu) == 6+int(apdu[4]):
		return apdu[:len(apdu)-1], le(apdu[len(apdu)-1]), nil
	}
	text := fmt.Sprintf("%d bytes with P3 %02X are no short command, and T=0 takes no others", len(apdu), apdu[4])
	return nil, 0, ErrRefused{Code: CodeMalformed, Text: text}
}

// withRightLength follows a 6Cxx once.
func (t t0) withRightLength(tpdu, response []byte) ([]byte, error) {
	if sw1, sw2 := status(response); len(response) == 2 && sw1 == swWrongLe {
		return t.carry(append(tpdu[:4:4], sw2))
	}
	return response, nil
}

// fetch follows 61xx with GET RESPONSE until the data that was wanted is there.
func (t t0) fetch(class byte, response []byte, wanted int) ([]byte, error) {
	for {
		sw1, sw2 := status(response)
		have := len(response) - 2
		if sw1 != swMoreData || have >= wanted {
			return response, nil
		}
		length := byte(min(int(sw2-1)+1, wanted-have))
		get := []byte{channelOf(class), insGetResponse, 0, 0, length}
		more, err := t.carry(get)
		if err == nil {
			more, err = t.withRightLength(get, more)
		}
		if err != nil {
			return nil, err
		}
		if len(more) < 2 {
			return nil, fmt.Errorf("%w: response without status", errDamaged)
		}
		response = append(response[:have:have], more...)
		if len(more) == 2 {
			return response, nil // nothing came: the status is the module's last word
		}
	}
}

// status is SW1 SW2; of a response without it, 0.
func status(response []byte) (sw1, sw2 byte) {
	if n := len(response); n >= 2 {
		return response[n-2], response[n-1]
	}
	return 0, 0
}

// channelOf is the class of a GET RESPONSE on the logical channel of a command.
func channelOf(class byte) byte {
	if class&0x40 != 0 {
		return 0x40 | class&0x0F
	}
	return class & 0x03
}
