package wipe

import (
	"context"
	"fmt"
)

// Vault is hardware that holds a key and can be told to forget it: a trusted
// environment, a TPM, a secure element. No device of this house has one built in
// yet; what a report may say of one is settled here.
type Vault interface {
	// RollbackResistant tells whether a deleted key can never be brought back, by
	// an older copy of the hardware's own storage. It is asked before the key goes.
	RollbackResistant() (bool, error)
	// Delete has the hardware forget the key. No error: it says that it did. A key
	// that is not there is no error.
	Delete(ctx context.Context) error
	// Holds asks the hardware whether the key is there.
	Holds(ctx context.Context) (bool, error)
	// Opens tries, by another way than Holds asks, whether what was wrapped under
	// the key can still be opened.
	Opens(ctx context.Context) (bool, error)
}

// Why a key in hardware is worth less than its kind could be, in code words.
const (
	reasonNoResistance      = "no_rollback_resistance"
	reasonUnknownResistance = "rollback_resistance_unknown"
)

// KeyInVault is a key in hardware. It is the only way to a purge: asserted when a
// hardware that can forget says that it did and no longer lists the key, verified
// when a probe by another way agrees. One that cannot keep an older copy from
// coming back, or does not say, is worth clear.
func KeyInVault(v Vault, t Target) KeyDestroyer { return &keyInVault{vault: v, target: t} }

type keyInVault struct {
	vault  Vault
	target Target
}

func (k *keyInVault) Name() string { return k.target.Name }

func (k *keyInVault) evidence(technique string) Evidence {
	return Evidence{
		Name: k.target.Name, Kind: k.target.Kind, Type: "hardware", Method: "none", Technique: technique, Standard: standard,
		LevelRequested: k.target.Requested, LevelAchieved: LevelNone, Verified: Unknown, Residual: []string{},
	}
}

// worth is the most that forgetting is worth in this hardware, and why no more.
func (k *keyInVault) worth(most Level) (Level, string) {
	resistant, err := k.vault.RollbackResistant()
	switch {
	case err != nil:
		return LevelClear, reasonUnknownResistance
	case !resistant:
		return LevelClear, reasonNoResistance
	}
	return most, ""
}

// Destroy has the hardware forget the key and asks it whether it did.
func (k *keyInVault) Destroy(ctx context.Context, note func(op string)) Evidence {
	e := k.evidence("key-delete")
	level, why := k.worth(LevelPurgeAsserted)
	if note != nil {
		note("delete-key")
	}
	err := ctx.Err()
	if err == nil {
		err = k.vault.Delete(ctx)
	}
	if err != nil {
		e.Reason = plain(fmt.Errorf("the hardware refused: %w", err))
		return e
	}
	switch holds, err := k.vault.Holds(ctx); {
	case err != nil:
		e.Reason = plain(fmt.Errorf("the hardware does not say whether it holds the key: %w", err))
	case holds:
		e.Verified, e.Reason = Fail, "the hardware still holds the key"
	default:
		e.Method, e.LevelAchieved, e.Verified, e.Reason = "purge", level, Pass, why
	}
	return e
}

// ProbeGone tries to open what was wrapped under the key, and does not ask the
// hardware for its own word.
func (k *keyInVault) ProbeGone(ctx context.Context) Evidence {
	e := k.evidence("probe")
	if err := ctx.Err(); err != nil {
		e.Reason = plain(err)
		return e
	}
	level, why := k.worth(LevelPurgeVerified)
	switch opens, err := k.vault.Opens(ctx); {
	case err != nil:
		e.Reason = plain(fmt.Errorf("nobody can say whether the key still opens anything: %w", err))
	case opens:
		e.Verified, e.Reason = Fail, "the key still opens what it wrapped"
	default:
		e.LevelAchieved, e.Verified, e.Reason = level, Pass, why
	}
	return e
}

// Confirmed is what an erasure is worth once its place was probed by another way.
// Only both together are verified: a probe alone sees that a key is gone and not
// how, and one that disagrees or cannot look leaves nothing verified.
func Confirmed(destroyed, probed Evidence) Evidence {
	e := destroyed
	switch {
	case destroyed.Verified != Pass:
	case probed.Verified != Pass:
		e.LevelAchieved, e.Verified, e.Reason = LevelNone, probed.Verified, probed.Reason
	case destroyed.LevelAchieved == LevelPurgeAsserted && probed.LevelAchieved == LevelPurgeVerified:
		e.LevelAchieved = LevelPurgeVerified
	}
	return e
}
