package transport

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// The headers of the desk's log: what a terminal knows of it, and what comes beside a
// receipt.
const (
	logSizeHeader   = "Unbindd-Log-Size"
	logProofHeader  = "Unbindd-Log-Proof"
	logGrowthHeader = "Unbindd-Log-Growth"
)

// Log is what a terminal tells of the desk's log when it asks, and what it hears of it
// beside a receipt. A link reads none of it, and believes none.
type Log struct {
	Size   int64  // leaves of the checkpoint that the terminal keeps; 0 where it keeps none
	Heard  bool   // an answer came, over a way that carries proofs
	Proof  string // that the object stands in the log, as it came; "" where none did
	Growth string // that this log continues the one of Size; "" where nothing was said
}

type logKey struct{}

// WithLog has what is asked under a context tell l.Size, and its answers fill in the
// rest. It goes with the context because most links and most questions have nothing to do
// with it, as a trace of net/http/httptrace does.
func WithLog(ctx context.Context, l *Log) context.Context { return context.WithValue(ctx, logKey{}, l) }

// LogOf is the log of a context; nil where there is none. It is for links.
func LogOf(ctx context.Context) *Log {
	l, _ := ctx.Value(logKey{}).(*Log)
	return l
}

// tell writes what is known into the headers of a question.
func (l *Log) tell(to http.Header) {
	if l != nil && l.Size > 0 {
		to.Set(logSizeHeader, strconv.FormatInt(l.Size, 10))
	}
}

// hear takes what came beside an answer.
func (l *Log) hear(from http.Header) {
	if l != nil {
		l.Heard, l.Proof, l.Growth = true, from.Get(logProofHeader), from.Get(logGrowthHeader)
	}
}

// asked asks what may be answered with a receipt.
func (r routes) asked(ctx context.Context, known bool, q question) (answer, error) {
	l := LogOf(ctx)
	if q.header == nil {
		q.header = http.Header{}
	}
	l.tell(q.header)
	a, err := r.ask(ctx, known, q)
	if err == nil {
		l.hear(a.header)
	}
	return a, err
}

// Growth asks for the proof that the desk's log of one size continues that of an earlier
// one. A refusal is a *Status: E28:leaf where the desk has no log of that size.
func (r routes) Growth(ctx context.Context, from, to int64) ([]byte, error) {
	a, err := r.ask(ctx, false, question{method: http.MethodGet, path: fmt.Sprintf("/v1/log/consistency/%d/%d", from, to)})
	if err != nil {
		return nil, fmt.Errorf("cannot ask how the log grew from %d to %d: %w", from, to, err)
	}
	return a.body, nil
}
