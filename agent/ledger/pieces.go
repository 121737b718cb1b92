package ledger

import (
	"fmt"
	"slices"
)

// PiecesAuditor checks lines of a salvage: those of an export, of which some may
// not be there. What follows one another is held to every rule that Auditor has;
// behind a hole the chain begins anew at what the line says, so that what is in
// the hole, and that the two sides belong together, nobody can tell from the
// lines alone. A nil error from the last Add says no more than that.
type PiecesAuditor struct {
	run     *running
	missing []Span
	dead    error
}

// NewPiecesAuditor audits from record 1 on; prev is the chain value before it.
func NewPiecesAuditor(prev [32]byte) *PiecesAuditor {
	return &PiecesAuditor{run: startAt(Head{Chain: prev})}
}

// Add checks the next line, with or without its newline. After an error the
// audit has failed, and every further Add says so.
func (a *PiecesAuditor) Add(line []byte) error {
	if a.dead == nil {
		if err := a.add(line); err != nil {
			a.dead = fmt.Errorf("cannot audit the record after number %d: %w", a.run.head.Seq, err)
		}
	}
	return a.dead
}

func (a *PiecesAuditor) add(line []byte) error {
	chain, raw, err := splitLine(line)
	if err != nil {
		return err
	}
	rec, err := ParseRecord(raw)
	if err != nil {
		return err
	}
	next := a.run.head.Seq + 1
	if rec.Seq <= next {
		return follow(a.run, chain, raw)
	}
	a.missing = append(a.missing, Span{next, rec.Seq - 1})
	a.run.head.Seq = rec.Seq - 1
	clear(a.run.last) // how far the readers had counted is in the hole
	return a.run.take(&rec, chain)
}

// Head returns the number and chain value of the last line.
func (a *PiecesAuditor) Head() Head { return a.run.head }

// Tally returns counts and sums of the lines that are there.
func (a *PiecesAuditor) Tally() Tally {
	tally := a.run.tally
	tally.Sums = slices.Clone(tally.Sums)
	return tally
}

// Missing names what is not between the lines, and behind the last of them what
// known says was there: that, only who had the ledger could know.
func (a *PiecesAuditor) Missing(known []Span) []Span {
	all := append([]Span{}, a.missing...)
	if n := len(known); n > 0 && known[n-1].Last > a.run.head.Seq {
		all = append(all, Span{a.run.head.Seq + 1, known[n-1].Last})
	}
	return all
}
