package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// eraseIdentity destroys the terminal's last keys, only when the desk has a
// complete certificate, or somebody signed for ending without one. A partial one
// keeps the case in quarantine: the reader may come back and close it.
func (a *Agent) eraseIdentity(ctx context.Context, n *journal.Note) error {
	return lastKeys(n, a.lastActs(ctx, n))
}

func (a *Agent) lastActs(ctx context.Context, n *journal.Note) lastActs {
	return lastActs{
		may:     func() error { return a.mayEnd(ctx) },
		stands:  func() bool { return exists(a.at.tombstone()) },
		settle:  func() error { return syncDir(a.at.root) },
		engrave: a.engrave,
		erase:   func() error { return a.eraseWho(ctx, n) },
	}
}

// lastActs end an identity, each safe to repeat: may it go, is the tombstone
// there, make its name durable, write it, erase the keys.
type lastActs struct {
	stands                      func() bool
	may, settle, engrave, erase func() error
}

// lastKeys does them in their order. That the tombstone stands is written down
// before a key goes: from then on nobody can ask any more whether it may. A
// tombstone that stands already is not believed: the life that wrote it may have
// ended between its name and the folder's sync, and the next cut takes it away.
func lastKeys(n *journal.Note, do lastActs) error {
	var gone bool
	if _, err := n.Get(noteIdentity, &gone); err != nil {
		return err
	}
	if !gone {
		if err := do.may(); err != nil {
			return err
		}
		raise := do.engrave
		if do.stands() {
			raise = do.settle
		}
		if err := raise(); err != nil {
			return err
		}
		if err := n.Save(noteIdentity, true); err != nil {
			return err
		}
	}
	return do.erase()
}

// whoTargets are the keys of line and identity, the trust, and their folder.
func (a *Agent) whoTargets() []target {
	return slices.Concat(a.keyTargets(keys.Line, lineTarget), a.keyTargets(keys.Identity, "identity-key"), []target{
		{Target: wipe.Target{Name: "trust", Kind: "data", Path: a.at.trust(), Root: a.at.root, Requested: wipe.LevelClear}},
		{Target: wipe.Target{Name: "key-directory", Kind: "dir", Path: a.at.keys(), Root: a.at.root, Requested: wipe.LevelClear}},
	})
}

func keysOf(targets []target) (all []target) {
	for _, t := range targets {
		if t.key != nil {
			all = append(all, t)
		}
	}
	return all
}

// eraseWho destroys device key, TLS key, KEK, binding and trust. From here on
// nothing on this machine can sign.
func (a *Agent) eraseWho(ctx context.Context, n *journal.Note) error {
	c, err := a.openCase()
	if err != nil {
		return err
	}
	a.forgetWho()
	targets := a.whoTargets()
	if err := a.weighKeys(keysOf(targets)); err != nil {
		return err
	}
	if err := a.eraseAll(ctx, n, c, targets); err != nil {
		return err
	}
	for _, t := range targets {
		if left, err := wipe.Look(a.Sys, t.Target); err != nil || len(left) > 0 {
			a.alarm("E26", "the device key or what belongs to it is still there")
			return fmt.Errorf("cannot erase the identity: %s is still there: %w", t.Name, errors.Join(err, errStillThere))
		}
	}
	return a.probeKeys(ctx, keys.Identity, a.keyTargets(keys.Identity, "identity-key"))
}

// errStillThere is why a terminal does not call itself unbound yet.
var errStillThere = errors.New("the medium did not let go of it")

// forgetWho ends everything that uses the identity: the link with its client
// certificate, the reader, the keys in memory.
func (a *Agent) forgetWho() {
	a.mu.Lock()
	a.id = nil // first: whoever finds no link must not make another
	a.mu.Unlock()
	a.closeReader()
	a.closeLink()
	if a.keys != nil {
		a.keys.Forget(keys.Line)
		a.keys.Forget(keys.Identity)
	}
}
