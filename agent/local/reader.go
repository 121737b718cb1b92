package local

import (
	"context"
	"net/http"
)

// ReaderReport is GET /v1/reader: what is on the serial line, asked now.
type ReaderReport struct {
	Schema       string   `json:"schema"`
	Path         string   `json:"path"`
	Driver       string   `json:"driver"` // protocol, as bound or configured
	Baud         int      `json:"baud"`
	State        string   `json:"state"`
	Since        int64    `json:"since,omitempty"`
	Error        string   `json:"error,omitempty"`
	Bound        string   `json:"bound,omitempty"`  // serial number of the bound reader
	Serial       string   `json:"serial,omitempty"` // of the one that answers
	Model        string   `json:"model,omitempty"`
	Firmware     string   `json:"firmware,omitempty"`
	Hardware     string   `json:"hardware,omitempty"`
	Can          []string `json:"can"`
	Unsupported  []string `json:"unsupported"`       // what an unbinding uses and this reader cannot do
	Tamper       string   `json:"tamper,omitempty"`  // intact, tampered, unsupported
	Frozen       bool     `json:"frozen,omitempty"`  // takes no transactions
	EraseCounter uint32   `json:"eracnt,omitempty"`  // erases in its life
	BootCount    uint32   `json:"bootcnt,omitempty"` // starts in its life
	Sockets      []Socket `json:"sockets,omitempty"` // for SAMs and cards
	Counts       Line     `json:"line"`
}

// Line counts what went over the serial line since the daemon opened it.
type Line struct {
	FramesOut uint64 `json:"frames_out"`
	FramesIn  uint64 `json:"frames_in"`
	Repeats   uint64 `json:"repeats"` // frames that one of the two had to send again
	NAKs      uint64 `json:"naks"`
	Damaged   uint64 `json:"damaged"`
	BytesOut  uint64 `json:"bytes_out"`
	BytesIn   uint64 `json:"bytes_in"`
}

// Socket is a place for a SAM or a card.
type Socket struct {
	Slot    int    `json:"slot"`
	Card    bool   `json:"card"` // the customer's, not a module
	Present bool   `json:"present"`
	ATR     string `json:"atr,omitempty"` // lower-case hex, of a powered module
}

// KeySlots is GET /v1/reader/slots: the key slots as the reader lists them.
type KeySlots struct {
	Schema string    `json:"schema"`
	Serial string    `json:"serial"`
	Slots  []KeySlot `json:"slots"`
}

// KeySlot is one of them; of the key itself nothing is known but its check value.
type KeySlot struct {
	Slot     uint16 `json:"slot"`
	Type     string `json:"type"`
	Alg      string `json:"alg"`
	State    string `json:"state"` // empty, loaded, exhausted, blocked
	KCV      string `json:"kcv,omitempty"`
	Method   string `json:"method,omitempty"`
	KSN      string `json:"ksn,omitempty"`
	Retained bool   `json:"retained,omitempty"` // stays through every erase
	Why      string `json:"why,omitempty"`
}

// ReaderTest is POST /v1/reader/test: questions that change nothing, and how they were answered.
type ReaderTest struct {
	Schema  string        `json:"schema"`
	Serial  string        `json:"serial,omitempty"`
	OK      bool          `json:"ok"` // no check failed
	Checks  []ReaderCheck `json:"checks"`
	Rounds  int           `json:"rounds"`            // questions timed
	Median  int64         `json:"p50_us,omitempty"`  // microseconds there and back
	Slowest int64         `json:"max_us,omitempty"`  // microseconds
	Repeats uint64        `json:"repeats,omitempty"` // frames sent again meanwhile
	Damaged uint64        `json:"damaged,omitempty"` // frames that came damaged meanwhile
}

// ReaderCheck is one question.
type ReaderCheck struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, failed, unsupported
	Detail string `json:"detail,omitempty"`
}

// The results of a check.
const (
	CheckOK          = "ok"
	CheckFailed      = "failed"
	CheckUnsupported = "unsupported"
)

// Reader asks what is on the serial line.
func (c *Client) Reader(ctx context.Context) (r ReaderReport, err error) {
	return r, c.do(ctx, http.MethodGet, "/v1/reader", nil, &r)
}

// KeySlots asks for the reader's key slots.
func (c *Client) KeySlots(ctx context.Context) (s KeySlots, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/reader/slots", nil, &s)
}

// TestReader has the reader asked everything that changes nothing.
func (c *Client) TestReader(ctx context.Context) (t ReaderTest, err error) {
	return t, c.do(ctx, http.MethodPost, "/v1/reader/test", []byte("{}"), &t)
}
