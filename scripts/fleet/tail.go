package fleet

import "sync"

// Tail keeps the last bytes of a log, for whoever has to explain a failure.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

// TailSize is how many bytes it keeps.
const TailSize = 4 << 10

// Write takes everything and keeps the end of it.
func (t *Tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if extra := len(t.text) - TailSize; extra > 0 {
		t.text = t.text[extra:]
	}
	return len(b), nil
}

// String is what was kept.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
