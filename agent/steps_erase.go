package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/local"
	"unbindd/wipe"
)

// target is one thing of the host to be erased, with its class.
type target struct {
	class envelope.ID
	wipe.Target
	key func(wipe.Sys, wipe.Target) wipe.KeyDestroyer // how a key ends; nil for everything else
}

// maxTries is how often a host target that fails is tried again before the
// plan goes on without it; the certificate is then partial and names it.
const maxTries = 5

// eraseKeys destroys the host's data key: from here on the ledger is unreadable.
func (a *Agent) eraseKeys(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	if err := a.listBefore(c); err != nil {
		return err
	}
	if a.keys != nil {
		a.keys.Forget(keys.Data)
	}
	return a.eraseClass(ctx, n, c, keys.Data, "data-key")
}

// eraseData erases the ledger, the sealed file, and every place of the
// inventory but the software.
func (a *Agent) eraseData(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	targets, err := a.dataTargets(c)
	if err != nil {
		return err
	}
	return a.eraseAll(ctx, n, c, targets)
}

// removeSoftware removes the payment application by inventory, then looks for
// what is left of everything that was to go.
func (a *Agent) removeSoftware(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	software, err := a.inventory(c, true)
	if err != nil {
		return err
	}
	if err := a.eraseAll(ctx, n, c, software); err != nil {
		return err
	}
	data, err := a.dataTargets(c)
	if err != nil {
		return err
	}
	copies, residue, err := a.listAfter(slices.Concat(a.keyTargets(keys.Data, "data-key"), data, software))
	if err != nil {
		return err
	}
	n.Say("%d left behind", len(residue))
	return errors.Join(n.Keep(noteCopies, copies), n.Keep(noteResidue, residue))
}

// verifyErased looks again at everything, by another way than the one that
// erased: the reader after a restart of the line, the key store, the places.
func (a *Agent) verifyErased(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	verdict := certificate.Pass
	reader, err := a.readerAgain(ctx, c, n)
	if err != nil {
		return err
	}
	if reader != outcomeErased {
		verdict = certificate.Unknown
	}
	targets, err := a.allTargets(c)
	if err != nil {
		return err
	}
	for _, t := range targets {
		left, err := wipe.Look(a.Sys, t.Target)
		switch {
		case err != nil:
			verdict = certificate.Unknown
		case len(left) > 0:
			verdict = certificate.Fail
		}
	}
	n.Say("%s; reader %s", verdict, reader)
	return n.Keep(noteVerified, verdict)
}

// readerAgain asks an erased reader once more; what it answers now counts.
func (a *Agent) readerAgain(ctx context.Context, c *caseFile, n *journal.Note) (string, error) {
	var ev certificate.Reader
	if _, err := n.Get(noteReader, &ev); err != nil {
		return "", err
	}
	if ev.Outcome != outcomeErased || a.line() == nil {
		return ev.Outcome, nil
	}
	e := &readerErase{a: a, c: c}
	var err error
	if e.seen, err = a.inspected(); err != nil {
		return "", err
	}
	problem, err := e.afterRestart(ctx, &ev)
	switch {
	case err != nil:
		if ev, err = e.judge(ctx, ev, err); err != nil && ctx.Err() == nil {
			ev, err = e.patience(noteAgainTries, ev, err)
		}
	case problem != "":
		ev = e.ended(ev, outcomeUnverified, problem)
	}
	if err != nil {
		return "", err
	}
	if ev.Outcome != outcomeErased {
		err = a.keepBoot(n)
	}
	return ev.Outcome, errors.Join(err, n.Keep(noteReader, ev))
}

// errNotErased is a try that failed; the step begins again.
var errNotErased = errors.New("cannot erase")

// eraseAll erases targets in order. The evidence of each is on disk before the
// next begins; one that was cut is erased again, and what was there at its
// beginning is still told. One that fails holds no other up: the step begins
// again when all were tried, and those that are done are not touched twice.
func (a *Agent) eraseAll(ctx context.Context, n *journal.Note, c *caseFile, targets []target) (err error) {
	var failed []string
	var all []wipe.Evidence
	var again []error
	done, err := a.erased(targets)
	if err != nil {
		return err
	}
	a.deepen(targets, done)
	defer func() {
		if !errors.Is(err, errNotErased) {
			a.forgetSamples()
		}
	}()
	for _, t := range targets {
		ev, err := a.eraseOne(ctx, t, c)
		if errors.Is(err, errNotErased) {
			again = append(again, err)
			continue
		}
		if err != nil {
			return err
		}
		all = append(all, ev)
		if ev.Verified != certificate.Pass {
			failed = append(failed, t.Name)
		}
	}
	if len(again) > 0 {
		return errors.Join(again...)
	}
	if len(failed) > 0 {
		n.Say("%d targets, not verified: %s", len(targets), strings.Join(failed, " "))
	} else if len(all) > 0 {
		n.Say("%d targets, all at %s or better", len(targets), wipe.Overall(all))
	}
	return nil
}

// begun is what was there when the erasure of a target began.
type begun struct {
	Items     int64      `json:"items"`
	Bytes     int64      `json:"bytes"`
	Tries     int        `json:"tries"`
	Lowered   wipe.Level `json:"lowered,omitempty"` // the weakest that something was removed with, written before it was unlinked
	Residual  []string   `json:"residual,omitempty"`
	Appeared  int64      `json:"appeared,omitempty"`  // names that came after the list was made
	Came      []byte     `json:"came,omitempty"`      // marks of the first of them
	Uncounted bool       `json:"uncounted,omitempty"` // nobody could tell what came
	Leaves    []string   `json:"leaves,omitempty"`    // what even a good erase leaves on that file system
	Did       string     `json:"did,omitempty"`       // the best that was done to anything of it; "" if nothing went by our hand
}

// weaken takes note of something that is removed with less than a verified
// overwrite.
func (b *begun) weaken(to wipe.Level, leaves string) {
	if b.Lowered == "" || to.Rank() < b.Lowered.Rank() {
		b.Lowered = to
	}
	if !slices.Contains(b.Residual, leaves) {
		b.Residual = append(b.Residual, leaves)
	}
}

const (
	didOverwrite = "overwrite-random-1"
	didUnlink    = "unlink"
)

// does takes note of what an operation of package wipe shows to be done, and
// tells whether that is news. A file is cut short only after its overwriting was
// read back; what is unlinked without was told by Lowered, or held nothing.
func (b *begun) does(op string) (news bool) {
	before := b.Did
	switch {
	case op == "truncate":
		b.Did = didOverwrite
	case (op == "unlink" || op == "remove-folder") && b.Did == "":
		b.Did = didUnlink
	}
	return b.Did != before
}

// merge puts what earlier tries did into the evidence of the last one.
func (b *begun) merge(ev *wipe.Evidence) {
	absent := ev.Technique == "absent" && b.Items > 0
	switch {
	case absent && b.Did == "":
		// Whoever took it away between the survey and the erase did not overwrite it for us.
		b.weaken(wipe.LevelLogical, "gone-before")
		ev.Technique, ev.Reason = "gone before the erase", "it was there before, and gone when its erase began"
	case absent:
		ev.Technique = b.Did + ", begun before a cut"
	}
	if absent {
		ev.Residual = append(ev.Residual, b.Leaves...)
	}
	if b.Did != "" {
		ev.Items = max(ev.Items, b.Items)
	}
	if b.Did == didOverwrite {
		ev.Bytes = max(ev.Bytes, b.Bytes)
	}
	if b.Lowered != "" && b.Lowered.Rank() < ev.LevelAchieved.Rank() {
		ev.LevelAchieved = b.Lowered
		if b.Lowered.Rank() < ev.LevelRequested.Rank() {
			ev.Reason = "an earlier try removed something with less: " + strings.Join(b.Residual, ", ")
		}
	}
	for _, r := range b.Residual {
		if !slices.Contains(ev.Residual, r) {
			ev.Residual = append(ev.Residual, r)
		}
	}
	slices.Sort(ev.Residual)
}

func (a *Agent) eraseOne(ctx context.Context, t target, c *caseFile) (wipe.Evidence, error) {
	var ev wipe.Evidence
	if done, err := a.journal.Get(noteMedia+t.Name, &ev); err != nil || done {
		return ev, err
	}
	var b begun
	if _, err := a.journal.Get(noteBegun+t.Name, &b); err != nil {
		return ev, err
	}
	t.Requested, t.Anyway = requested(c.command.Level), b.Tries+1 >= maxTries
	if b.Tries == 0 {
		survey := wipe.Dry(a.Sys, t.Target)
		b.Items, b.Bytes, b.Leaves = survey.Items, survey.Bytes, survey.Leaves
		if survey.Linked > 0 {
			b.Residual = append(b.Residual, "hard-links")
		}
		b.Residual = append(b.Residual, a.beyond()...)
		if err := a.appeared(t, &b); err != nil {
			return ev, err
		}
	}
	b.Tries++
	if err := a.journal.Save(noteBegun+t.Name, b); err != nil {
		return ev, err
	}
	t.Lowered = func(to wipe.Level, leaves string) error {
		b.weaken(to, leaves)
		return a.journal.Save(noteBegun+t.Name, b)
	}
	t.Held = a.nameHolder(t.Name)
	var unsaid error
	ev = t.erase(ctx, a.Sys, func(op string) {
		if b.does(op) {
			// Before the operation: what a cut leaves unsaid is told as less.
			unsaid = errors.Join(unsaid, a.journal.Save(noteBegun+t.Name, b))
		}
		a.Moment("wipe/" + t.Name + ":" + op)
	})
	if unsaid != nil && ctx.Err() == nil {
		return ev, unsaid
	}
	if ctx.Err() != nil {
		return ev, context.Cause(ctx)
	}
	b.merge(&ev)
	if ev.Verified != certificate.Pass && b.Tries < maxTries {
		if slices.Contains(ev.Residual, "exchanged") && !slices.Contains(b.Residual, "exchanged") {
			// The next try erases what has the name then, and would not tell of it.
			b.Residual = append(b.Residual, "exchanged")
			if err := a.journal.Save(noteBegun+t.Name, b); err != nil {
				return ev, err
			}
		}
		return ev, fmt.Errorf("%w %s: %s", errNotErased, t.Name, ev.Reason)
	}
	a.hub.tell(local.Event{Kind: "erased", Name: t.Name, State: ev.Verified, Detail: string(ev.LevelAchieved), Final: true})
	return ev, a.journal.Save(noteMedia+t.Name, ev)
}
