package store

import "unbindd/agent/envelope"

// Alarm is something that should not be, told once and counted after that.
type Alarm struct {
	Kind  string `json:"kind"`
	About string `json:"about"` // a terminal or a serial number
	What  string `json:"what"`
	First int64  `json:"first"` // Unix seconds
	Last  int64  `json:"last"`
	Count int64  `json:"count"`

	Quiet   bool      `json:"quiet,omitempty"`   // it is settled, and nothing has raised it since
	Settled []Settled `json:"settled,omitempty"` // each time, the newest last
}

// Settled is a person's word that an alarm was looked into.
type Settled struct {
	At  int64  `json:"at"` // Unix seconds
	By  string `json:"by"`
	Why string `json:"why"`
}

func (a Alarm) key() string { return a.Kind + "\x00" + a.About }

// Alarm reads an alarm; ErrAbsent where there is none.
func (t *Tx) Alarm(kind, about string) (Alarm, error) {
	return get[Alarm](t, inAlarms, Alarm{Kind: kind, About: about}.key())
}

// PutAlarm writes an alarm.
func (t *Tx) PutAlarm(a Alarm) error { return put(t, inAlarms, a.key(), a) }

// RemoveAlarm takes back an alarm that is over.
func (t *Tx) RemoveAlarm(a Alarm) error { return t.rows.Remove(inAlarms, a.key()) }

// takeBack takes back an alarm that is over; one that people settled before is kept, with
// what they said.
func (t *Tx) takeBack(kind, about string) error {
	a, err := t.Alarm(kind, about)
	if err != nil || len(a.Settled) == 0 {
		if err != nil && !absent(err) && !Spoilt(err) {
			return err
		}
		return t.RemoveAlarm(Alarm{Kind: kind, About: about})
	}
	a.Quiet = true
	return t.PutAlarm(a)
}

// Alarms reads at most limit alarms that come after one of a kind, by kind and
// what they are about; an empty kind begins at the beginning.
func (t *Tx) Alarms(kind, about string, limit int) ([]Alarm, error) {
	list, from := []Alarm{}, ""
	if kind != "" {
		from = Alarm{Kind: kind, About: about}.key()
	}
	rows, err := t.rows.List(inAlarms, "", from, limit)
	for _, row := range rows {
		var a Alarm
		if err := read(inAlarms, row.Value, &a); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, err
}

// PutRetired remembers in which case a serial number was taken out of service.
func (t *Tx) PutRetired(serial, id envelope.ID) error {
	return put(t, inRetired, string(serial), id)
}

// Retired is the case in which a serial number was taken out of service.
func (t *Tx) Retired(serial envelope.ID) (envelope.ID, error) {
	return get[envelope.ID](t, inRetired, string(serial))
}
