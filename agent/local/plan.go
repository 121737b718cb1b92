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
}

// Target is one thing that would be erased. Items and bytes as found now;
// Level is the best that can be reached, Rungs what would be done for it,
// Hindrances what keeps it from more or ought to be known before, Holders the
// programs that have it open.
type Target struct {
	Class string `json:"class"`
	Name  string `json:"name"`
	Path  string `json:"path,omitempty"`
	Items int64  `json:"items"`
	Bytes int64  `json:"bytes"`
	Level string `json:"level"`

	Place      string   `json:"place,omitempty"` // file system and device
	Rungs      []string `json:"rungs,omitempty"`
	Hindrances []string `json:"hindrances,omitempty"`
	Holders    []string `json:"holders,omitempty"`
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
