package desk

import (
	"unbindd/agent/envelope"
)

// Question is what a terminal asks the time with: its own nonce.
type Question struct {
	Nonce envelope.ID `json:"nonce"`
	V     int         `json:"v"`
}

// moment is the signed time; the nonce makes an old answer worthless.
type moment struct {
	Nonce envelope.ID `json:"nonce"`
	Time  int64       `json:"time"` // Unix seconds
	V     int         `json:"v"`
}

// Time answers with the time, signed by role receipt.
func (d *Desk) Time(body []byte) ([]byte, error) {
	var q Question
	if err := envelope.Decode(body, &q); err != nil {
		return nil, as(ErrMalformed, err)
	}
	if q.V != 1 || q.Nonce == "" {
		return nil, refuse(ErrMalformed, "E07", "v", "cannot tell the time: the question has no nonce or another version")
	}
	e, err := envelope.Seal(envelope.Type("time"), moment{Nonce: q.Nonce, Time: d.now(), V: 1}, d.Receipts)
	if err != nil {
		return nil, err
	}
	return e.Encode(), nil
}
