package local

// Plan is GET /v1/plan: what an unbinding would do here. Nothing is changed by
// asking.
type Plan struct {
	Schema   string   `json:"schema"`
	Profile  string   `json:"profile"`
	Action   string   `json:"action"`
	Steps    []Step   `json:"steps"`
	Erase    []Target `json:"erase"`
	Upload   []Upload `json:"upload"`
	Keep     []Kept   `json:"keep"`
	Blockers []Error  `json:"blockers"`

	Elsewhere []Note `json:"elsewhere"` // what may hold copies and no target reaches; empty: looked, nothing found

	Open    []OpenSum `json:"open,omitempty"`    // what is not settled
	Crossed bool      `json:"crossed,omitempty"` // the point of no return: steps and targets are what is left
	Case    string    `json:"case,omitempty"`    // that crossed it
}

// OpenSum is what is not settled in one currency, as an exception has to name
// it, in minor units. The sum of a single transaction is left out.
type OpenSum struct {
	Currency string `json:"currency"`
	Count    int64  `json:"count"`
	Amount   *int64 `json:"amount,omitempty"`
}

// Note is one thing to be known before: a code to word it by, of how many it is
// true, what stands beside it, and the same in English.
type Note struct {
	Code   string `json:"code"`
	N      int64  `json:"n,omitempty"`
	Detail string `json:"detail,omitempty"`
	Text   string `json:"text"`
	Stops  bool   `json:"stops,omitempty"` // something would be left standing
}

// Target is one thing that would be erased. Items and bytes as found now;
// Level is the best that can be reached, Rungs what would be done for it,
// Notes what keeps it from more or ought to be known before, Holders the
// programs that have it open.
type Target struct {
	Class string `json:"class"`
	Name  string `json:"name"`
	Path  string `json:"path,omitempty"`
	Items int64  `json:"items"`
	Bytes int64  `json:"bytes"`
	Level string `json:"level"`

	Place   string   `json:"place,omitempty"` // file system and device
	Rungs   []string `json:"rungs,omitempty"`
	Notes   []Note   `json:"notes,omitempty"`
	Holders []string `json:"holders,omitempty"`
}

// Upload is one thing that would be sent before anything is erased.
type Upload struct {
	Name  string `json:"name"`
	Items int64  `json:"items"`
	To    string `json:"to"`
}

// Kept is one thing that would stay, and why or until when.
type Kept struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}
