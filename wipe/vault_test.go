package wipe_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"unbindd/wipe"
)

// tee is a stand-in for hardware that holds a key. No real one was asked for any
// of this.
type tee struct {
	resistant bool
	silent    error // instead of saying whether it is
	refuses   error
	keeps     bool // says it deleted the key and did not
	lies      bool // and does not list it either
	mute      error
	blind     error
	deleted   bool
}

func (v *tee) RollbackResistant() (bool, error) { return v.resistant, v.silent }
func (v *tee) Delete(context.Context) error     { v.deleted = v.refuses == nil; return v.refuses }
func (v *tee) Holds(context.Context) (bool, error) {
	return (!v.deleted || v.keeps) && !v.lies, v.mute
}
func (v *tee) Opens(context.Context) (bool, error) { return !v.deleted || v.keeps, v.blind }

// TestAKeyInHardware is what may be said of one: a purge is asserted by hardware
// that can forget, verified by a probe besides, and nothing above clear otherwise.
func TestAKeyInHardware(t *testing.T) {
	no := errors.New("busy")
	for name, c := range map[string]struct {
		vault     tee
		destroyed wipe.Level
		confirmed wipe.Level
		verified  string
		reason    string
	}{
		"accepted, able, probed":   {tee{resistant: true}, wipe.LevelPurgeAsserted, wipe.LevelPurgeVerified, wipe.Pass, ""},
		"not rollback resistant":   {tee{}, wipe.LevelClear, wipe.LevelClear, wipe.Pass, "no_rollback_resistance"},
		"resistance unknown":       {tee{silent: no}, wipe.LevelClear, wipe.LevelClear, wipe.Pass, "rollback_resistance_unknown"},
		"refused":                  {tee{resistant: true, refuses: no}, wipe.LevelNone, wipe.LevelNone, wipe.Unknown, "the hardware refused: busy"},
		"says yes, keeps it":       {tee{resistant: true, keeps: true}, wipe.LevelNone, wipe.LevelNone, wipe.Fail, "the hardware still holds the key"},
		"says yes, lies, keeps it": {tee{resistant: true, keeps: true, lies: true}, wipe.LevelPurgeAsserted, wipe.LevelNone, wipe.Fail, "the key still opens what it wrapped"},
		"does not list":            {tee{resistant: true, mute: no}, wipe.LevelNone, wipe.LevelNone, wipe.Unknown, "the hardware does not say whether it holds the key: busy"},
		"cannot be probed":         {tee{resistant: true, blind: no}, wipe.LevelPurgeAsserted, wipe.LevelNone, wipe.Unknown, "nobody can say whether the key still opens anything: busy"},
	} {
		k := wipe.KeyInVault(&c.vault, wipe.Target{Name: "kek", Kind: "key", Requested: wipe.LevelPurgeVerified})
		before := k.ProbeGone(t.Context())
		if c.vault.blind == nil && (before.Verified != wipe.Fail || before.LevelAchieved != wipe.LevelNone) || c.vault.deleted {
			t.Errorf("%s: before: %+v", name, before)
		}
		destroyed := k.Destroy(t.Context(), nil)
		if destroyed.LevelAchieved != c.destroyed || (destroyed.Verified == wipe.Pass) != (c.destroyed != wipe.LevelNone) {
			t.Errorf("%s: destroyed: %+v", name, destroyed)
		}
		e := wipe.Confirmed(destroyed, k.ProbeGone(t.Context()))
		if e.LevelAchieved != c.confirmed || e.Verified != c.verified || e.Reason != c.reason || e.Name != k.Name() {
			t.Errorf("%s: confirmed: %+v", name, e)
		}
	}
}

// TestEveryKindOfKey is the contract that both kinds keep: there before, gone
// after, repeated without harm, and unknown when nobody may look.
func TestEveryKindOfKey(t *testing.T) {
	root := t.TempDir()
	must(t, os.WriteFile(filepath.Join(root, "k"), []byte("0123456789abcdef"), 0o600))
	for name, c := range map[string]struct {
		key  wipe.KeyDestroyer
		most wipe.Level
	}{
		"file": {wipe.KeyInFile(wipe.Kernel{}, wipe.Target{Name: "key", Kind: "key", Path: filepath.Join(root, "k"), Root: root, Requested: wipe.LevelPurgeVerified}), wipe.LevelClear},
		"tee":  {wipe.KeyInVault(&tee{resistant: true}, wipe.Target{Name: "key", Kind: "key", Requested: wipe.LevelPurgeVerified}), wipe.LevelPurgeVerified},
	} {
		if e := c.key.ProbeGone(t.Context()); e.Verified != wipe.Fail {
			t.Errorf("%s, before: %+v", name, e)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if e := c.key.ProbeGone(stopped); e.Verified != wipe.Unknown || e.LevelAchieved != wipe.LevelNone {
			t.Errorf("%s, not looked: %+v", name, e)
		}
		ops := 0
		for range 2 {
			e := c.key.Destroy(t.Context(), func(string) { ops++ })
			if e.Verified != wipe.Pass || e.LevelAchieved.Rank() > c.most.Rank() || e.Residual == nil || e.Standard != "none-claimed" {
				t.Errorf("%s: %+v", name, e)
			}
			if e := wipe.Confirmed(e, c.key.ProbeGone(t.Context())); e.Verified != wipe.Pass || e.LevelAchieved.Rank() > c.most.Rank() {
				t.Errorf("%s, confirmed: %+v", name, e)
			}
		}
		if ops == 0 {
			t.Errorf("%s: nothing was told", name)
		}
	}
}
