package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unbindd/agent/certificate"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/profile"
	"unbindd/wipe"
)

// lineTarget names the files of the reader's pairing key.
const lineTarget = "reader-link-key"

// keyTargets are the files of a class of keys, a target each, the root first.
func (a *Agent) keyTargets(class keys.Class, name string) []target {
	var out []target
	for _, path := range keys.Files(a.at.keys(), class) {
		out = append(out, target{class: profile.HostKeys, key: wipe.KeyInFile, Target: wipe.Target{
			Name: name + "-" + filepath.Base(path), Kind: "key", Path: path, Root: a.at.root, Requested: wipe.LevelClear,
		}})
	}
	return out
}

// erase ends a key in its own way, and everything else as a file.
func (t target) erase(ctx context.Context, sys wipe.Sys, note func(op string)) wipe.Evidence {
	if t.key != nil {
		return t.key(sys, t.Target).Destroy(ctx, note)
	}
	return wipe.Erase(ctx, sys, t.Target, note)
}

// eraseClass destroys a class of keys and then asks whether it is gone.
func (a *Agent) eraseClass(ctx context.Context, n *journal.Note, c *caseFile, class keys.Class, name string) error {
	targets := a.keyTargets(class, name)
	if err := a.weighKeys(targets); err != nil {
		return err
	}
	if err := a.eraseAll(ctx, n, c, targets); err != nil {
		return err
	}
	return a.probeKeys(ctx, class, targets)
}

// weighKeys writes down, before anything is erased, that the medium under the
// key store is worth less than a verified overwrite: once the files are gone
// nobody can see it any more.
func (a *Agent) weighKeys(targets []target) error {
	m, err := keys.MediumOf(a.at.keys())
	if errors.Is(err, os.ErrNotExist) || err == nil && !m.Logical {
		return nil
	}
	if err != nil {
		a.Log.Warn().Err(err).Msg("the key store's medium is taken for the weakest")
	}
	for _, t := range targets {
		var b begun
		if _, err := a.journal.Get(noteBegun+t.Name, &b); err != nil {
			return err
		}
		b.weaken(wipe.LevelLogical, "copies-below")
		if err := a.journal.Save(noteBegun+t.Name, b); err != nil {
			return err
		}
	}
	return nil
}

// probeKeys asks about a class that was destroyed by other ways than the one
// that destroyed it: each place by its own probe, and the store, which must not
// be able to unwrap a key of it. What both together are worth is the evidence. A
// target that failed is told already, and the store may open what it left.
func (a *Agent) probeKeys(ctx context.Context, class keys.Class, targets []target) error {
	whole := true
	for _, t := range targets {
		var ev wipe.Evidence
		done, err := a.journal.Get(noteMedia+t.Name, &ev)
		if err != nil {
			return err
		}
		if !done || ev.Verified != certificate.Pass {
			whole = false
			continue
		}
		sure := wipe.Confirmed(ev, t.key(a.Sys, t.Target).ProbeGone(ctx))
		if sure.Verified != certificate.Pass {
			return fmt.Errorf("cannot erase the %s keys: %s: %s", class, t.Name, sure.Reason)
		}
		if sure.LevelAchieved == ev.LevelAchieved {
			continue
		}
		if err := a.journal.Save(noteMedia+t.Name, sure); err != nil {
			return err
		}
	}
	if !whole {
		return nil
	}
	store, err := keys.Open(a.at.keys())
	if errors.Is(err, keys.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	opens, unread := store.Has(class), store.Unread(class)
	for _, c := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
		store.Forget(c)
	}
	if unread != nil {
		return fmt.Errorf("cannot erase the %s keys: nobody can tell whether the store opens them: %w", class, unread)
	}
	if opens {
		return fmt.Errorf("cannot erase the %s keys: the store still opens them", class)
	}
	return nil
}

// tellKeys says what the keys of this terminal do not have, where somebody looks.
func (a *Agent) tellKeys() {
	if a.keys == nil {
		return
	}
	for _, what := range a.keys.Told() {
		a.Log.Warn().Msg(what)
	}
	m, err := keys.MediumOf(a.at.keys())
	if err != nil {
		a.Log.Warn().Err(err).Msg("nobody can say what erasing a key is worth here")
		return
	}
	level := wipe.LevelClear
	if m.Logical {
		level = wipe.LevelLogical
	}
	a.Log.Info().Str("filesystem", m.Type).Str("worth", string(level)).Str("why", m.Why).Msg("keys lie in files; this is the most that erasing them is worth")
}

// leaveImage leaves what the process may still hold of the keys: ciphers and the
// runtime copy, and only a new process image has none of it. A process that began
// after the keys went has never seen one. It comes back when there is nothing to
// leave; otherwise the context ends, and the next process goes on from here.
func (a *Agent) leaveImage(ctx context.Context) error {
	if a.keys == nil || a.Renew == nil {
		return nil
	}
	a.Log.Info().Msg("the last key is erased; the process begins anew")
	a.Renew()
	<-ctx.Done()
	return context.Cause(ctx)
}
