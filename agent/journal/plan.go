package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Step is one act of a plan. Do must be safe to repeat: after a cut it runs
// again, whatever it had done before. Undo takes a reversible step back; it is
// also called for a step that was cut in the middle.
type Step struct {
	Name string
	Do   func(ctx context.Context, n *Note) error
	Undo func(ctx context.Context, n *Note) error
}

// Plan is the list of acts. The point of no return is the boundary between the
// two fields; it is crossed when Gate returns nil, in one transaction with what
// Gate kept.
type Plan struct {
	Reversible []Step
	Gate       func(ctx context.Context, n *Note) error
	Final      []Step
}

// GiveUp is returned by a reversible step, or the gate, that will not succeed:
// what was done is undone and the terminal trades again.
type GiveUp struct{ Err error }

func (g *GiveUp) Error() string { return g.Err.Error() }

func (g *GiveUp) Unwrap() error { return g.Err }

// LeftOpen is returned by a final step that cannot be done for now and must not
// hold up the others: it is left open, and the plan goes on.
type LeftOpen struct{ Detail string }

func (o *LeftOpen) Error() string { return "left open: " + o.Detail }

// Again is returned by a step, or the gate, when earlier steps have to be done
// once more; it names them.
type Again struct {
	Steps []string
	Why   string
}

func (a *Again) Error() string {
	return fmt.Sprintf("again from %s: %s", strings.Join(a.Steps, ", "), a.Why)
}

// ErrCancelled is the cause of the context's end when a cancel was written.
var ErrCancelled = errors.New("the command was cancelled")

// The moments that a Watch is told of.
const (
	Starting = "starting" // "doing" is on disk, Do has not begun
	Worked   = "worked"   // Do took effect, nothing of that is written yet
	Recorded = "recorded" // "done" and what the step kept are on disk
	Failed   = "failed"   // Do returned an error, it is tried again
	Opened   = "open"     // left open
	Undoing  = "undoing"
	Reverted = "undone"
	Repeated = "again" // earlier steps are done once more
)

// CrossName is the name under which the gate is watched.
const CrossName = "point-of-no-return"

// Event is one moment of one step.
type Event struct {
	Step   string
	Moment string
	Final  bool
	Tries  int
	Detail string
	Err    error
}

// Watch is told of every moment, in order and before the next thing happens.
type Watch func(Event)

// Steps lists the names in order; the reversible ones first.
func (p Plan) Steps() (reversible, final []string) {
	for _, s := range p.Reversible {
		reversible = append(reversible, s.Name)
	}
	for _, s := range p.Final {
		final = append(final, s.Name)
	}
	return reversible, final
}
