package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/device"
	"unbindd/wipe"
)

// dryRun is GET /v1/plan: what an unbinding by a profile would erase, upload and
// keep here. It changes nothing.
func (a *Agent) dryRun(name string) (local.Plan, error) {
	out := local.Plan{
		Schema: local.Schema, Erase: []local.Target{}, Upload: []local.Upload{}, Keep: []local.Kept{}, Blockers: []local.Error{},
		Elsewhere: notes(wipe.Around(a.Machine)),
	}
	if run, begun, err := a.current(); err != nil || begun && run.Crossed && run.Outcome == journal.Running {
		return out, errors.Join(err, a.whatIsLeft(&out, run))
	}
	id := a.identity()
	if id == nil {
		return out, envelope.Refuse("E28", "not-bound", "cannot plan: this terminal is bound to nobody")
	}
	p, err := a.choose(id, envelope.ID(name))
	if err != nil {
		return out, err
	}
	out.Profile, out.Action = string(p.ID), string(p.Action)
	reversible, final := a.unbind().Steps()
	for i, step := range append(reversible, final...) {
		out.Steps = append(out.Steps, local.Step{Name: step, Final: i >= len(reversible), State: local.Todo})
	}
	a.planReader(&out, p)
	if err := a.planHost(&out, p); err != nil {
		return out, err
	}
	s, err := a.status()
	if err != nil {
		return out, err
	}
	if s.Ledger != nil {
		out.Upload = append(out.Upload, local.Upload{Name: "ledger", Items: int64(s.Ledger.Transactions), To: recipients})
	}
	keptHere(&out)
	out.Keep = append(out.Keep, a.passwordKept()...)
	a.blockers(&out, s)
	return out, a.openBatch(&out)
}

// keptHere is what stays on the host, and until when.
func keptHere(out *local.Plan) {
	out.Keep = append(out.Keep,
		local.Kept{Name: "device key, binding, trust", Why: "until the desk's receipt for the certificate"},
		local.Kept{Name: "journal and outbox", Why: "until the desk has seen the preimage"},
		local.Kept{Name: "tombstone.json", Why: "for ever: it needs no key and says that this terminal is unbound"},
		local.Kept{Name: "told.json", Why: "for ever: the desk's receipt for the tombstone"})
}

// choose picks a profile by name, or the only one there is.
func (a *Agent) choose(id *identity, name envelope.ID) (profile.Profile, error) {
	if name == "" && len(id.profiles) == 1 {
		for only := range id.profiles {
			name = only
		}
	}
	e := id.profiles[name]
	if e == nil {
		return profile.Profile{}, envelope.Refuse("E17", "profile", "cannot plan: choose one of the profiles %s", joinedIDs(slices.Sorted(maps.Keys(id.profiles))))
	}
	return profile.Open(e, id.trust)
}

// planReader counts the slots that the erase would cover, by the rule of the
// inspection. A reader that does not list them now leaves the number unknown.
func (a *Agent) planReader(out *local.Plan, p profile.Profile) {
	t := local.Target{Class: profile.ReaderKeys, Name: readerTarget, Level: readerLevel}
	if n, err := a.slotsToErase(p.Slots); err != nil {
		text := "the reader does not list its key slots now; all of the profile's types are erased"
		t.Notes = append(t.Notes, local.Note{Code: "slots-unseen", Text: text})
	} else {
		t.Items = int64(n)
	}
	out.Erase = append(out.Erase, t)
	keptInReader(out)
}

// The fixed phrases of a plan; unbindctl has them in Chinese.
const (
	readerTarget = "key slots of the card reader"
	readerLevel  = "as the reader proves"
	recipients   = "the recipient set that the command names"
)

func keptInReader(out *local.Plan) {
	out.Keep = append(out.Keep, local.Kept{Name: "retained keys of the reader", Why: "its vendor root and remote loading; listed in the certificate"})
}

func (a *Agent) slotsToErase(types []envelope.ID) (int, error) {
	line := a.line()
	if line == nil {
		return 0, device.ErrUnpaired
	}
	ctx, stop := context.WithTimeout(context.Background(), courtesyTime)
	defer stop()
	slots, err := line.Slots(ctx)
	_, scope := survey(slots, types)
	return len(scope), err
}

func (a *Agent) planHost(out *local.Plan, p profile.Profile) error {
	targets := a.keyTargets(keys.Data, "data-key")
	own, err := a.ownData()
	if err != nil {
		return err
	}
	targets = append(targets, own...)
	for i, place := range p.Inventory {
		root, ok := a.rootOf(place.Path)
		if !ok {
			mend := Outside{Root: a.Config.Erase.rootFor(place.Path)}.mend()
			out.Blockers = append(out.Blockers, local.Error{
				Code: "E17:inventory", Message: fmt.Sprintf("place %d of the inventory, %s, is outside erase.roots, the folders that may be erased: %s", i+1, place.Path, mend),
				Next: "Add the folder that is named to erase.roots in the settings file and start the daemon anew, or have the desk's operator change the profile.",
			})
			continue
		}
		if a.holdsPassword(place.Path) {
			out.Blockers = append(out.Blockers, local.Error{
				Code: "E17:inventory", Message: fmt.Sprintf("place %d of the inventory cannot be erased: %s", i+1, errNeeded),
				Next: "Mend what is in the way, or have the profile changed.",
			})
		}
		targets = append(targets, target{class: place.Class, Target: wipe.Target{Name: fmt.Sprintf("%s-%d", place.Class, i+1), Kind: kindOf(place.Class), Path: place.Path, Root: root, Requested: wipe.LevelClear}})
	}
	for _, told := range a.planTargets(targets) {
		out.Erase = append(out.Erase, told)
		for _, n := range told.Notes {
			if n.Stops {
				out.Blockers = append(out.Blockers, local.Error{
					Code: "E17:inventory", Message: fmt.Sprintf("%s cannot be erased: %s", told.Name, n.Text),
					Next: "Mend what is in the way, or have the profile changed.",
				})
			}
		}
	}
	return nil
}

// planTargets is the dry run of targets; all processes are looked through once for
// all of them. The names of programs stay on this machine: they are in its answer
// and in its log.
func (a *Agent) planTargets(targets []target) (told []local.Target) {
	var all []wipe.Target
	for _, t := range targets {
		t.Depth = a.depth()
		all = append(all, t.Target)
	}
	for i, p := range wipe.Plans(a.Sys, all) {
		t := targets[i]
		out := local.Target{
			Class: string(t.class), Name: t.Name, Path: t.Path, Items: p.Items, Bytes: p.Bytes, Level: string(p.Best),
			Place: p.Probe.String(), Rungs: p.Rungs, Notes: notes(p.Blockers),
		}
		for _, h := range p.Holders {
			out.Holders = append(out.Holders, h.String())
		}
		told = append(told, out)
	}
	return told
}

// blockers are what would stop an unbinding now.
func (a *Agent) blockers(out *local.Plan, s local.Status) {
	if state := cmp.Or(s.Reader.State, "not spoken to: there is no pairing key for it"); state != "ready" && state != "degraded" {
		out.Blockers = append(out.Blockers, local.Error{Code: "E22:reader", Message: "the card reader is " + state, Next: "Connect the bound reader."})
	}
	if s.Alarm != nil {
		out.Blockers = append(out.Blockers, *s.Alarm)
	}
	power, err := readPower(a.Config.Power.Path)
	if err == nil && !power.enough(a.Config.Power.MinPercent) {
		out.Blockers = append(out.Blockers, local.Error{Code: "E22:power", Message: power.String(), Next: "Connect the charger."})
	}
}

func joinedIDs(ids []envelope.ID) string {
	var all []string
	for _, id := range ids {
		all = append(all, string(id))
	}
	return strings.Join(all, ", ")
}
