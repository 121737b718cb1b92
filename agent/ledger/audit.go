package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

var errLine = errors.New("the line is not one of an export")

const (
	lineHead   = `{"c":"`
	lineMiddle = `","t":`
)

// Auditor checks exported lines without the ledger or its key: it recomputes
// chain, order and tally and shares every rule with the ledger itself. A nil
// error from the last Add says that the lines fit together; that they are all
// of them, and the terminal's, is said by whoever signed Head and Tally.
type Auditor struct {
	run  *running
	dead error
}

// NewAuditor audits a ledger of that binding from record first on (1, if 0).
// prev is the chain value before that record; nil means the binding's own
// origin, which only the first record of a ledger without predecessor has.
func NewAuditor(binding [32]byte, prev *[32]byte, first uint64) *Auditor {
	return &Auditor{run: startAt(Head{Seq: max(first, 1) - 1, Chain: origin(binding, prev)})}
}

// Add checks the next line, with or without its newline. After an error the
// audit has failed, and every further Add says so.
func (a *Auditor) Add(line []byte) error {
	if a.dead != nil {
		return a.dead
	}
	if err := a.add(line); err != nil {
		a.dead = fmt.Errorf("cannot audit record %d: %w", a.run.head.Seq+1, err)
	}
	return a.dead
}

func (a *Auditor) add(line []byte) error {
	chain, raw, err := splitLine(line)
	if err != nil {
		return err
	}
	return follow(a.run, chain, raw)
}

// splitLine takes an exported line apart, with or without its newline.
func splitLine(line []byte) (chain [32]byte, raw []byte, err error) {
	rest, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte(lineHead))
	if !ok || len(rest) < 2*chainSize {
		return chain, nil, errLine
	}
	digits, rest := rest[:2*chainSize], rest[2*chainSize:]
	if _, err := hex.Decode(chain[:], digits); err != nil || !bytes.Equal(digits, bytes.ToLower(digits)) {
		return chain, nil, errLine
	}
	raw, opens := bytes.CutPrefix(rest, []byte(lineMiddle))
	raw, closes := bytes.CutSuffix(raw, []byte("}"))
	if !opens || !closes {
		return chain, nil, errLine
	}
	return chain, raw, nil
}

// Head returns the number and chain value of the last line that fitted.
func (a *Auditor) Head() Head { return a.run.head }

// Tally returns counts and sums of the lines that fitted.
func (a *Auditor) Tally() Tally {
	tally := a.run.tally
	tally.Sums = slices.Clone(tally.Sums)
	return tally
}
