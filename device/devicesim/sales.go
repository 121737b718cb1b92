package devicesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Merchant is what the reader's transactions carry; empty fields are filled with examples.
type Merchant struct {
	TID      string
	MID      string
	Batch    string
	Currency string // ISO 4217, three letters
}

func (m Merchant) withDefaults() Merchant {
	fill := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	fill(&m.TID, "10000001")
	fill(&m.MID, "898100000000001")
	fill(&m.Batch, "000001")
	fill(&m.Currency, "CNY")
	return m
}

// transaction is the record of a payment; its members are in the order of canonical JSON.
type transaction struct {
	Amount   int64    `json:"amount"` // minor units
	Auth     string   `json:"auth,omitempty"`
	Batch    string   `json:"batch"`
	Card     *payCard `json:"card,omitempty"`
	Currency string   `json:"currency"`
	Entry    string   `json:"entry"`
	Evseq    uint32   `json:"evseq"`
	Fee      int64    `json:"fee,omitempty"`
	Kind     string   `json:"kind"`
	Method   string   `json:"method"`
	MID      string   `json:"mid"`
	Original string   `json:"original,omitempty"`
	Reader   string   `json:"reader"`
	Result   string   `json:"result"`
	RRN      string   `json:"rrn,omitempty"`
	STAN     string   `json:"stan"`
	TID      string   `json:"tid"`
	Time     int64    `json:"time"`
}

type payCard struct {
	Brand  string `json:"brand"`
	Masked string `json:"masked"`
}

// incident is the record of anything that is no payment.
type incident struct {
	Batch  string `json:"batch,omitempty"`
	Evseq  uint32 `json:"evseq"`
	Kind   string `json:"kind"`
	Reader string `json:"reader"`
	TID    string `json:"tid,omitempty"`
	Time   int64  `json:"time"`
}

// Reasons why a reader takes no transaction.
var (
	ErrFrozen   = errors.New("reader is frozen")
	ErrTampered = errors.New("reader is tampered")
)

// generateStep is how many transactions share one wait for the disk.
const generateStep = 512

// Sell makes one approved sale now and returns its event number.
func (s *Sim) Sell(amount int64, currency string) (uint32, error) {
	if amount < 0 || len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return 0, fmt.Errorf("cannot sell: bad amount or currency")
	}
	return s.trade(1, func(g generator, n uint64) transaction {
		t := g.sale(n)
		t.Amount, t.Currency, t.Fee, t.Time = amount, currency, 0, s.options.Now().Unix()
		return t
	})
}

// Generate makes n transactions of a shop's day and returns the last event number; the same seed makes the same.
func (s *Sim) Generate(n int) (last uint32, err error) {
	for n > 0 && err == nil {
		step := min(n, generateStep)
		last, err = s.trade(step, generator.transaction)
		n -= step
	}
	return last, err
}

func (s *Sim) trade(n int, draft func(generator, uint64) transaction) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mem.st.Frozen:
		return 0, fmt.Errorf("cannot sell: %w", ErrFrozen)
	case s.mem.st.Tampered:
		return 0, fmt.Errorf("cannot sell: %w", ErrTampered)
	}
	// The numbers of the transactions are used up before any of them is held: after a power cut none comes twice.
	first := s.mem.st.Generated
	s.mem.st.Generated += uint64(n)
	if err := s.mem.save(); err != nil {
		return 0, fmt.Errorf("cannot sell: %w", err)
	}
	g := generator{s.options.Seed, s.options.Canary, s.options.Merchant.withDefaults()}
	i := first
	return s.hold(n, func(seq uint32) (uint16, []byte, error) {
		t := draft(g, i)
		i++
		t.Evseq, t.Reader = seq, s.serial()
		text, err := json.Marshal(t)
		return evTransaction, text, err
	})
}

// CloseBatch records that a batch was settled; a frozen reader does that too.
func (s *Sim) CloseBatch(batch string) (uint32, error) {
	if !isID(batch) {
		return 0, fmt.Errorf("cannot close batch: bad batch %q", batch)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.happen(evBatchClose, incident{Kind: "batch-close", Batch: batch, TID: s.options.Merchant.withDefaults().TID})
}

// Happen records a battery, card or other incident.
func (s *Sim) Happen(kind string) (uint32, error) {
	code, known := map[string]uint16{"battery": evBattery, "card": evCard, "other": evOther}[kind]
	if !known {
		return 0, fmt.Errorf("cannot record event: kind %q is not battery, card or other", kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.happen(code, incident{Kind: kind})
}

func (s *Sim) happen(code uint16, in incident) (uint32, error) {
	return s.hold(1, func(seq uint32) (uint16, []byte, error) {
		in.Evseq, in.Reader, in.Time = seq, s.serial(), s.options.Now().Unix()
		text, err := json.Marshal(in)
		return code, text, err
	})
}

// Raw sends bytes as a transaction, whatever they are.
func (s *Sim) Raw(body []byte) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hold(1, func(uint32) (uint16, []byte, error) { return evTransaction, body, nil })
}

// Lose drops the n oldest held events, as a reader does whose memory overflowed.
func (s *Sim) Lose(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || n > len(s.mem.held) {
		return fmt.Errorf("cannot lose %d events: %d are held", n, len(s.mem.held))
	}
	return s.mem.lose(s.mem.released + uint32(n))
}

// overflow lets go of the oldest events a small memory has no room for. Nobody is told now: the host learns it
// from EVT_SINCE, as the number of those it never acknowledged.
func (s *Sim) overflow() error {
	over := len(s.mem.held) - s.options.EventRoom
	if s.options.EventRoom == 0 || over <= 0 {
		return nil
	}
	return s.mem.lose(s.mem.released + uint32(over))
}

// hold keeps new events and wakes the line; s.mu is held.
func (s *Sim) hold(n int, make func(seq uint32) (uint16, []byte, error)) (uint32, error) {
	if err := s.mem.hold(n, make); err != nil {
		return 0, fmt.Errorf("cannot hold event: %w", err)
	}
	if err := s.overflow(); err != nil {
		return 0, fmt.Errorf("cannot hold event: %w", err)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return s.mem.last, nil
}
