package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// asked is the time as a terminal would get it of one of the two desks.
func (p *pair) asked(which int) (int64, error) {
	p.t.Helper()
	body, err := p.desks[which].Time([]byte(`{"nonce":"N-1","v":1}`))
	if err != nil {
		return 0, err
	}
	e, err := envelope.Parse(body, envelope.MaxSize)
	p.check(err)
	var m struct {
		Nonce string `json:"nonce"`
		Time  int64  `json:"time"`
		V     int    `json:"v"`
	}
	p.check(json.Unmarshal(e.Payload, &m))
	return m.Time, nil
}

// A desk whose clock runs away signs no time, and neither does the other desk on its
// store, until the clock is back or somebody has said that it is right.
func TestAClockThatRanAwayIsNotSigned(t *testing.T) {
	p := newPair(t, boltBase(t), folderOf)
	const day = 24 * time.Hour
	told, err := p.asked(0)
	p.check(err)
	for _, c := range []struct {
		name string
		by   time.Duration
		sure bool
	}{
		{"a weekend", 3 * day, true},
		{"and a week after it", 7 * day, true},
		{"a year and a half", 540 * day, false},
		{"back again", -540 * day, true},
		{"set back by half an hour", -30 * time.Minute, true},
		{"set back by a day", -24 * time.Hour, false},
		{"and right again", 24*time.Hour + 30*time.Minute, true},
	} {
		p.clock.move(c.by)
		for which := range p.desks {
			now, err := p.asked(which)
			if (err == nil) != c.sure || err != nil && envelope.CodeOf(err) != "E33:clock" {
				t.Errorf("%s, desk %d: the time is %d, %v", c.name, which, now, err)
			}
		}
	}
	p.clock.move(30 * day)
	if _, said, exit := verb(t, "clock", "--dir", string(p.dir)); exit != exitRefused || !strings.Contains(said, "[E33:clock]") || !strings.Contains(said, "clock --accept") {
		t.Errorf("ended with %d and does not say what to do: %s", exit, said)
	}
	if _, err := p.desks[0].BelieveClock(told); envelope.CodeOf(err) != "E33:read" {
		t.Errorf("a clock that nobody has read is believed: %v", err)
	}
	var w desk.Clock
	p.check(json.Unmarshal([]byte(p.cli("--json", "clock", "--dir", string(p.dir), "--accept")), &w))
	if now, err := p.asked(1); err != nil || !w.Sure || now < w.Seen {
		t.Errorf("after somebody's word: %+v, the time is %d, %v", w, now, err)
	}
}
