package main

import (
	"errors"
	"fmt"
	"time"

	"unbindd/agent/local"
)

// paceRounds is how often each speed is measured.
const paceRounds = 3

// eventFrame is the bytes of an event of 300 bytes on the line, sent once: header 6, code and number 6, tag and length
// 3, MAC 8, end 5. What comes besides, or twice, is waste and counts against us.
const eventFrame = 300 + 28

// rarely is how often the daemon is asked how far it is, in the middle of a window.
const rarely = 200 * time.Millisecond

// speed is a line of a certain speed, and what is promised on it.
type speed struct {
	baud    int
	sales   int     // transactions in a window
	promise float64 // of what the line can carry; 0: nothing is
}

var allSpeeds = []speed{{9600, 40, 0}, {115200, 200, 0.95}, {921600, 1500, 0.90}}

// window is what was seen while so many transactions became durable.
type window struct {
	rate, could float64 // transactions a second: ours, and what the line could carry
	up, down    float64 // bytes a transaction
	again       float64 // frames that had to be sent again
	host, sim   float64 // processor milliseconds for 1,000 transactions
}

// speeds measures durable transactions per second at three speeds, beside what
// such a line can carry. Nothing stands between reader and daemon; the bytes are
// the daemon's own count.
func (b *bench) speeds() error {
	var body [][]string
	for _, s := range allSpeeds {
		all, err := b.atSpeed(s)
		if err != nil {
			return fmt.Errorf("at %d baud: %w", s.baud, err)
		}
		of := func(get func(w window) float64) (out sample) {
			for _, w := range all {
				out = append(out, get(w))
			}
			return out
		}
		ours, could := of(func(w window) float64 { return w.rate }), of(func(w window) float64 { return w.could })
		ratio := ours.over(could)
		if s.promise > 0 && ratio.median() < s.promise {
			b.page.broken = errors.Join(b.page.broken, fmt.Errorf("at %d baud %.3f of what the line can carry; %.2f is promised", s.baud, ratio.median(), s.promise))
		}
		body = append(body, []string{
			thousands(s.baud), ours.told(times), could.told(times), ratio.told(hundredths), s.kept(ratio.median()),
			of(func(w window) float64 { return w.up }).told(whole), of(func(w window) float64 { return w.down }).told(whole), of(func(w window) float64 { return w.again }).told(whole),
			of(func(w window) float64 { return w.host }).told(millis), of(func(w window) float64 { return w.sim }).told(millis),
		})
	}
	b.page.add(table{
		title: "Durable transactions at three speeds",
		intro: fmt.Sprintf("unbindd and readersim on a pty, readersim taking the time that each byte takes at this speed, both ways at once; each\ntransaction is on disk, sealed and chained, before the reader lets go of it. %d windows each. The baseline is the line itself:\nbaud/10 bytes a second, filled without a pause with frames of %d bytes, an event of 300 bytes in each, and nothing else. The events of the\nmeasurement are as long on average; what came for each, all answers included, stands beside it, and so do frames that were sent again.\nThe daemon's processor time includes what the measurement asks it: every %s in the middle of a window, every %s at its ends.",
			paceRounds, eventFrame, rarely, look),
		head: []string{"baud", "unbindd, per second", "the line can carry", "ours / line", "promised", "bytes from the reader, each", "to the reader, each", "sent again", "CPU of unbindd for 1,000", "of readersim"},
		rows: body,
	})
	return nil
}

func hundredths(v float64) string { return fmt.Sprintf("%.3f", v) }
func millis(v float64) string     { return fmt.Sprintf("%.0f ms", v) }

func (s speed) kept(ratio float64) string {
	switch {
	case s.promise == 0:
		return "–"
	case ratio < s.promise:
		return fmt.Sprintf("%.2f, **missed**", s.promise)
	}
	return fmt.Sprintf("%.2f, kept", s.promise)
}

func (b *bench) atSpeed(s speed) (all []window, err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) {
		t.baud = s.baud
		return t.plug("--baud-pace", fmt.Sprint(s.baud), "--generate", fmt.Sprint((paceRounds+1)*s.sales))
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	if err := t.run(); err != nil {
		return nil, err
	}
	for range paceRounds {
		w, err := t.speedWindow(s)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// mark is how far everything is at a moment.
type mark struct {
	at        time.Time
	held      int
	line      local.Line
	host, sim time.Duration
}

func (t *terminal) mark(what string, held1 func(int) bool) (m mark, err error) {
	m.at, err = t.until(what, func(s local.Status) bool {
		m.held, m.line = held(s), s.Reader.Line
		return held1(m.held)
	})
	if err == nil {
		m.host, err = used(t.daemon.pid())
	}
	if err == nil {
		m.sim, err = used(t.reader.pid())
	}
	return m, err
}

func (t *terminal) speedWindow(s speed) (window, error) {
	first, err := t.mark("transactions", func(n int) bool { return n > 0 })
	if err != nil {
		return window{}, err
	}
	// Each answer costs the daemon processor time that is not the transactions'; so it is asked often only near the end.
	if _, err := t.untilEvery(rarely, "most of the window", func(now local.Status) bool { return held(now) >= first.held+s.sales*19/20 }); err != nil {
		return window{}, err
	}
	last, err := t.mark("the window's last", func(n int) bool { return n >= first.held+s.sales })
	if err != nil {
		return window{}, err
	}
	n, took := float64(last.held-first.held), last.at.Sub(first.at).Seconds()
	up := float64(last.line.BytesIn-first.line.BytesIn) / n
	if up < 0.98*eventFrame {
		return window{}, fmt.Errorf("%.0f bytes came for each event: they are shorter than what the line is held against", up)
	}
	return window{
		rate: n / took, could: float64(s.baud) / bitsAByte / eventFrame,
		up: up, down: float64(last.line.BytesOut-first.line.BytesOut) / n,
		again: float64(last.line.Repeats - first.line.Repeats),
		host:  float64((last.host - first.host).Milliseconds()) / n * 1000,
		sim:   float64((last.sim - first.sim).Milliseconds()) / n * 1000,
	}, nil
}
