package devicesim

import "errors"

// faultMuteCard makes every card silent once it has power.
const faultMuteCard = "mute-card"

const (
	cardForHolder = 1 << 0
	cardPresent   = 1 << 1
	cardPowered   = 1 << 2

	longestResponse = maxPayload - 4 - 3 - macBytes // what a frame leaves beside code, status, field and MAC
)

func (s *Sim) cardList() reply {
	var b body
	for n, k := range s.sockets {
		bits := flag(n == 0, cardForHolder) | flag(k.kind != "", cardPresent) | flag(k.card != nil, cardPowered)
		entry := body{}.put8(tgSocket, byte(n)).put8(tgSocketBits, bits)
		if k.card != nil {
			entry = entry.put(tgATR, k.atr)
		}
		b = b.put(tgKeyEntry, entry)
	}
	return reply{body: b}
}

func (s *Sim) cardPower(v values) reply {
	if !v.has(map[tag]int{tgSocket: 1, tgPower: 1}) || v[tgPower][0] > 1 {
		return reply{status: stMalformed}
	}
	n := int(v[tgSocket][0])
	if v[tgPower][0] == 0 {
		if n >= len(s.sockets) {
			return reply{status: stNoSocket}
		}
		s.sockets[n].card = nil
		return reply{}
	}
	atr, err := s.powerCard(n)
	if err == nil && s.wrong(faultMuteCard) {
		s.sockets[n].card = nil
		err = errMute
	}
	if err != nil {
		return refusedByCard(err)
	}
	return reply{body: body{}.put(tgATR, atr)}
}

// cardAPDU hands over whole APDUs: what the card's protocol makes of them is the reader's business.
func (s *Sim) cardAPDU(v values) reply {
	if !v.has(map[tag]int{tgSocket: 1}) || len(v[tgAPDU]) < 4 {
		return reply{status: stMalformed}
	}
	n := int(v[tgSocket][0])
	c, err := s.poweredCard(n)
	if err != nil {
		return refusedByCard(err)
	}
	var response []byte
	if !s.wrong(faultMuteCard) {
		response = c.APDU(v[tgAPDU])
	}
	switch {
	case len(response) < 2:
		s.sockets[n].card = nil
		return reply{status: stCardMute}
	case len(response) > longestResponse:
		return reply{status: stCardLong}
	}
	return reply{body: body{}.put(tgAPDU, response)}
}

func refusedByCard(err error) reply {
	for known, st := range map[error]status{
		errNoSocket: stNoSocket, errNoCard: stNoCard, errNoPower: stCardOff, errMute: stCardMute,
	} {
		if errors.Is(err, known) {
			return reply{status: st}
		}
	}
	return reply{err: err} // the card's memory
}
