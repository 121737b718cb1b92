package agent

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/agent/ledger"
	"unbindd/agent/local"
)

func headText(h ledger.Head) string { return "sha256:" + hex.EncodeToString(h.Chain[:]) }

// status is GET /v1/status.
func (a *Agent) status() (local.Status, error) {
	_, quality := a.clock.read()
	s := local.Status{Schema: local.Schema, Version: a.Version, Clock: quality}
	if quality == clockFloor {
		s.Floor = a.clock.low()
	}
	if id := a.identity(); id != nil {
		s.Terminal, s.Epoch, s.Trust = string(id.binding.Terminal), id.binding.Epoch, id.trust.Version
	}
	a.mu.Lock()
	reader, j := a.reader, a.journal
	a.mu.Unlock()
	if reader != nil {
		r := reader.Status()
		s.Reader = local.Reader{State: string(r.State), Serial: r.Serial, Error: r.Err, Line: local.Line(reader.Stats())}
	}
	if j != nil && a.mode() != local.Unbound {
		box, err := j.Outbox()
		if err != nil {
			return s, err
		}
		s.Outbox = len(box)
		if s.Log, err = logShown(j); err != nil {
			return s, err
		}
		if s.Case, err = a.caseShown(j); err != nil {
			return s, err
		}
	}
	if s.Log != nil && s.Log.Doubt != nil {
		s.Warnings = append(s.Warnings, s.Log.Doubt.Word)
	}
	if a.Misplaced != "" {
		s.Warnings = append(s.Warnings, local.WarnSettings)
	}
	if a.barred.Load() {
		s.Warnings = append(s.Warnings, local.WarnBroker)
	}
	a.show.fill(&s)
	return s, nil
}

// logShown is what was seen of the desk's log; nil where nothing was.
func logShown(j *journal.Journal) (*local.Log, error) {
	c, text, err1 := keptCheckpoint(j)
	d, err2 := j.Doubt()
	if err := errors.Join(err1, err2); err != nil || (text == nil && d == nil) {
		return nil, err
	}
	out := &local.Log{Origin: c.Origin, Size: c.Size, Checkpoint: string(text)}
	if d != nil {
		out.Doubt = (*local.Doubt)(d)
	}
	return out, nil
}

// caseShown is the running case, or the last one, in the words of the local API.
func (a *Agent) caseShown(j *journal.Journal) (*local.Case, error) {
	run, begun, err := j.Current()
	if err != nil || !begun {
		return nil, err
	}
	c, _, err := a.readCase()
	if err != nil {
		return nil, err
	}
	out := &local.Case{
		Case: string(c.command.Case), Command: run.Name, Action: string(c.command.Action), Reason: string(c.command.Reason),
		Profile: string(c.command.Profile.ID), Crossed: run.Crossed, Outcome: run.Outcome, Begun: run.Begun, Ended: run.Ended, Approvers: []local.Approver{},
	}
	if whole, err := a.openCase(); err == nil { // else an approver was revoked since
		for _, ap := range whole.verified.Approvers() {
			out.Approvers = append(out.Approvers, local.Approver{Holder: string(ap.Holder), Role: string(ap.Role)})
		}
	}
	if run.Code != "" && run.Outcome != journal.Cancelled { // which is no failure
		out.Problem = &local.Error{Code: run.Code, Message: strings.ReplaceAll(run.Reason, " ["+run.Code+"]", "")} // the code stands beside it
	}
	if out.Steps, err = a.stepsShown(j); err != nil {
		return nil, err
	}
	a.backedShown(out)
	return out, a.certificateShown(out)
}

// backedShown says which of the two the delivery still waits for. What cannot be read
// here is the step's to tell.
func (a *Agent) backedShown(out *local.Case) {
	delivers := func(s local.Step) bool { return s.Name == "deliver-backup" && s.State == local.Doing }
	if !slices.ContainsFunc(out.Steps, delivers) {
		return
	}
	if c, err := a.openCase(); err == nil {
		_, ok, err := a.authority(c)
		out.Backed = ok && err == nil
	}
}

func (a *Agent) stepsShown(j *journal.Journal) ([]local.Step, error) {
	have, err := j.Steps()
	if err != nil {
		return nil, err
	}
	var out []local.Step
	reversible, final := a.unbind().Steps()
	for i, name := range append(reversible, final...) {
		st := have[name]
		if st.State == "" {
			st.State = local.Todo
		}
		out = append(out, local.Step{
			Name: name, Final: i >= len(reversible), State: st.State, Tries: st.Tries,
			Started: st.Started, Finished: st.Finished, Detail: st.Detail,
		})
	}
	return out, nil
}

func (a *Agent) certificateShown(out *local.Case) error {
	e, ok, err := a.signed()
	if err != nil || !ok {
		return err
	}
	s, err := certificate.Read(e)
	if err != nil {
		return err
	}
	out.Result, out.Certificate = s.Predicate.Result, string(e.Digest())
	out.Next = s.Predicate.Next
	out.Quarantine = s.Predicate.Result == certificate.Partial
	_, err = a.certificateReceipt()
	out.Receipted = err == nil
	return nil
}
