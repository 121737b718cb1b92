package agent

import (
	"unbindd/agent/command"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
)

// The journal knows of a record that was in the ledger, so that one whose end is
// gone, or all of it, is told from one that never was: the ledger cannot show that
// by itself, and a new one would begin in silence.

// nothingIsSaved says that a command runs for which three people signed that no
// record has to be there.
func (a *Agent) nothingIsSaved() bool {
	run, begun, err := a.current()
	if err != nil || !begun || run.Outcome != journal.Running {
		return false
	}
	c, err := a.openCase()
	return err == nil && c.command.Backup.Gate == command.GateNone
}

// remember writes down how far the ledger is, outside it. What was not written
// down is what a ledger that loses its end would not miss.
func (a *Agent) remember(l *ledger.Ledger) {
	if a.isBeside(l) {
		return // its numbers are its own
	}
	if err := a.journal.RaiseLedgerKnown(l.Head().Seq); err != nil {
		a.Log.Warn().Err(err).Msg("how far the ledger is, is not written down")
	}
}

// rememberEvery is how many records the memory may lag behind while one process
// trades; in the beginning it lags behind by half.
const rememberEvery = 1000

// rememberSometimes is for after each commit, which must not cost two.
func (a *Agent) rememberSometimes(l *ledger.Ledger) {
	known, err := a.journal.LedgerKnown()
	if err != nil || l.Head().Seq > known+min(known, rememberEvery) {
		a.remember(l)
	}
}
