package agent

import (
	"strings"

	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/agent/profile"
)

// whatIsLeft is the dry run behind the point of no return: nothing there is
// undone any more, so it tells the steps as they stand and what is there still.
func (a *Agent) whatIsLeft(out *local.Plan, run journal.Run) error {
	c, _, err := a.readCase()
	if err != nil {
		return err
	}
	var o opened
	if _, err := a.journal.Get(noteOpened, &o); err != nil {
		return err
	}
	out.Crossed, out.Case = true, string(c.command.Case)
	out.Profile, out.Action = string(c.command.Profile.ID), string(c.command.Action)
	if out.Steps, err = a.stepsShown(a.journal); err != nil {
		return err
	}
	if !stepIs(out.Steps, "erase-reader-keys", local.Done) {
		out.Erase = append(out.Erase, local.Target{Class: profile.ReaderKeys, Name: readerTarget, Items: int64(len(o.Order.Scope)), Level: readerLevel})
	}
	targets, err := a.allTargets(c)
	if err != nil {
		return err
	}
	for _, told := range a.planTargets(targets) {
		if told.Items > 0 || len(told.Notes) > 0 && told.Notes[0].Stops {
			out.Erase = append(out.Erase, told)
		}
	}
	keptInReader(out)
	keptHere(out)
	s, err := a.status()
	if err == nil && s.Case != nil && s.Case.Problem != nil && !strings.HasPrefix(s.Case.Problem.Code, "E22") { // E22 is of the time before
		out.Blockers = append(out.Blockers, *s.Case.Problem)
	}
	return err
}

func stepIs(steps []local.Step, name, state string) bool {
	for _, s := range steps {
		if s.Name == name {
			return s.State == state
		}
	}
	return false
}

// openBatch tells what is not settled: settle ends a command that does not name
// exactly that. The sum of a single transaction is not shown.
func (a *Agent) openBatch(out *local.Plan) error {
	open := a.show.openBatch()
	if len(open) == 0 {
		return nil
	}
	if run, begun, err := a.current(); err != nil {
		return err
	} else if begun && run.Outcome == journal.Running {
		if c, err := a.openCase(); err == nil {
			if _, ok := exception(c, open); ok {
				return nil
			}
		}
	}
	for _, o := range open {
		sum := local.OpenSum{Currency: string(o.Currency), Count: o.Count}
		if o.Count > 1 {
			sum.Amount = &o.Amount
		}
		out.Open = append(out.Open, sum)
	}
	out.Blockers = append(out.Blockers, local.Error{
		Code: "E22:unsettled", Message: openWords(open) + " not settled",
		Next: "Close the batch, or have the command name exactly what stays open.",
	})
	return nil
}
