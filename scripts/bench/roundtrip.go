package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"unbindd/device"
)

// asked is how many questions are timed at each speed.
var asked = map[int]int{0: 20_000, 9600: 30, 115200: 500, 921600: 2_000}

// roundTrips times a question there and back: the reader is asked who it is,
// within a session, so that frame, MAC and acknowledgements of both are in it.
func (b *bench) roundTrips() error {
	var body [][]string
	for _, baud := range []int{9600, 115200, 921600, 0} {
		row, err := b.roundTrip(baud)
		if err != nil {
			return fmt.Errorf("at %d baud: %w", baud, err)
		}
		body = append(body, row)
	}
	b.page.add(table{
		title: "A question there and back",
		intro: "Package device asks readersim, another process, who it is, one question after the other. The baseline is the time that the\nbytes of question, answer and acknowledgements need on such a line, one after the other; acknowledgements can cross what\ncomes the other way.",
		head:  []string{"baud", "questions", "p50", "p99", "bytes there", "and back", "the line needs", "p50 / line"},
		rows:  body,
	})
	return nil
}

func (b *bench) roundTrip(baud int) (row []string, err error) {
	n := asked[baud]
	err = b.withReader(baud, func(ctx context.Context, r *device.Reader, _ func(...string) error) error {
		if _, err := r.Identify(ctx); err != nil {
			return err
		}
		before := r.Stats()
		var took []time.Duration
		for range n {
			began := time.Now()
			if _, err := r.Identify(ctx); err != nil {
				return err
			}
			took = append(took, time.Since(began))
		}
		after := r.Stats()
		slices.Sort(took)
		out, in := (after.BytesOut-before.BytesOut)/uint64(n), (after.BytesIn-before.BytesIn)/uint64(n)
		row = []string{"as fast as it goes", thousands(n), short(took[n/2]), short(took[n*99/100]), fmt.Sprint(out), fmt.Sprint(in), "–", "–"}
		if baud > 0 {
			line := time.Duration(out+in) * bitsAByte * time.Second / time.Duration(baud)
			row[0], row[6], row[7] = thousands(baud), short(line), times(took[n/2].Seconds()/line.Seconds())
		}
		return nil
	})
	return row, err
}

func short(d time.Duration) string { return micros(float64(d) / float64(time.Microsecond)) }

// withReader switches a reader on at this speed (0: as fast as it goes) and lends
// the conversation with it, and its control socket.
func (b *bench) withReader(baud int, use func(ctx context.Context, r *device.Reader, ask func(...string) error) error) (err error) {
	t := &terminal{b: b}
	if t.dir, err = os.MkdirTemp(b.work, "r"); err != nil {
		return err
	}
	if t.sockets, err = os.MkdirTemp(b.sockets, "r"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	pairing, err := t.made()
	if err != nil {
		return err
	}
	tty, err := t.plug("--baud-pace", fmt.Sprint(baud))
	if err != nil {
		return err
	}
	if baud == 0 {
		baud = 115200
	}
	r := device.New(device.Config{Driver: "pedlink", Path: tty, Baud: baud}, device.Options{Pairing: pairing, Serial: readerNo})
	defer func() { err = errors.Join(err, r.Close()) }()
	return use(b.ctx, r, t.ask)
}

// made makes a reader and returns the key of its line.
func (t *terminal) made() (device.Secret, error) {
	// Nothing is erased here, so any key may be the one that tickets are signed with.
	if err := os.WriteFile(t.path("ticket.pub"), []byte("0EqyMnQrtKs6E2i9RhXk5tAiSrcaAWuvhSCjMsl3hzc="), 0o600); err != nil {
		return device.Secret{}, err
	}
	if _, err := t.call("readersim", "init", "--nvm", "nvm", "--serial", readerNo, "--ticket-key", "ticket.pub", "--out", "reader.json"); err != nil {
		return device.Secret{}, err
	}
	text, err := os.ReadFile(filepath.Join(t.dir, "reader.json"))
	if err != nil {
		return device.Secret{}, err
	}
	var sheet struct {
		Pairing []byte `json:"pairing"`
	}
	if err := json.Unmarshal(text, &sheet); err != nil {
		return device.Secret{}, err
	}
	return device.NewSecret(sheet.Pairing)
}
