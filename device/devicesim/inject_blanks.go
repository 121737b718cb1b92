package devicesim

// blanks are the slots of a new reader, by the protocol that it speaks. The keys themselves are random.
var blanks = map[string][]slot{
	"pedlink": {
		{id: 0x0001, typ: keyTLK, alg: algAES, state: slotLoaded, reason: keepRemoteLoading},
		{id: 0x0010, typ: keyTMK, alg: algTDES, state: slotLoaded},
		{id: 0x0011, typ: keyTPK, alg: algTDES, state: slotLoaded, parent: 0x0010},
		{id: 0x0012, typ: keyTAK, alg: algTDES, state: slotLoaded, parent: 0x0010},
		{id: 0x0013, typ: keyTDK, alg: algTDES, state: slotLoaded, parent: 0x0010},
		{id: 0x0020, typ: keyTMK, alg: algAES, state: slotLoaded},
		{id: 0x0021, typ: keyTPK, alg: algAES, state: slotLoaded, parent: 0x0020},
		{id: 0x0022, typ: keyTAK, alg: algAES, state: slotLoaded, parent: 0x0020},
		{id: 0x0030, typ: keyIPEK, alg: algTDES, state: slotLoaded, ksn: []byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0}},
		{id: 0x0031, typ: keyTDK, alg: algAES, state: slotEmpty},
	},
	// kind << 8 | index, with kind 1 TDK, 2 TPK, 3 TAK, 4 TMK, 5 TLK, 6 DUKPT. Master keys 2 and 3 are for 3DES, 4
	// for SM4, 5 for AES; check values have the four bytes that such readers show.
	"mpos": {
		{id: 0x0501, typ: keyTLK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, reason: keepRemoteLoading},
		{id: 0x0402, typ: keyTMK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, parent: 0x0501},
		{id: 0x0403, typ: keyTMK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, parent: 0x0501},
		{id: 0x0404, typ: keyTMK, alg: algSM4, method: kcvZeroLong, state: slotLoaded},
		{id: 0x0405, typ: keyTMK, alg: algAES, method: kcvCMAC, state: slotLoaded},
		{id: 0x0106, typ: keyTDK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, parent: 0x0402},
		{id: 0x0107, typ: keyTDK, alg: algSM4, method: kcvZeroLong, state: slotLoaded, parent: 0x0404},
		{id: 0x0201, typ: keyTPK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, parent: 0x0402},
		{id: 0x0202, typ: keyTPK, alg: algSM4, method: kcvZeroLong, state: slotLoaded, parent: 0x0404},
		{id: 0x0203, typ: keyTPK, alg: algAES, method: kcvCMAC, state: slotLoaded, parent: 0x0405},
		{id: 0x0301, typ: keyTAK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, parent: 0x0402},
		{id: 0x0302, typ: keyTAK, alg: algSM4, method: kcvZeroLong, state: slotLoaded, parent: 0x0404},
		{id: 0x0601, typ: keyIPEK, alg: algTDES, method: kcvZeroLong, state: slotLoaded, ksn: []byte{0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0, 0}},
	},
	"ccid": {}, // its keys are in the cards of its sockets
}
