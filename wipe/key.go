package wipe

import (
	"context"
	"fmt"
)

// KeyDestroyer ends one key in the place where it lies. The plan knows no more
// of a key than this, so that one that lies in a trusted environment or a TPM is
// another kind and changes nothing else.
type KeyDestroyer interface {
	// Name is what evidence calls the key; opaque.
	Name() string
	// Destroy ends the key; it may be repeated, and hears note as Erase does.
	Destroy(ctx context.Context, note func(op string)) Evidence
	// ProbeGone asks the place itself, by another way than the one that
	// destroyed, and changes nothing. Verified says what it found.
	ProbeGone(ctx context.Context) Evidence
}

// KeyInFile is a key that lies in a file of its own. It is worth as much as the
// file's erasure: clear at most.
func KeyInFile(sys Sys, t Target) KeyDestroyer { return keyInFile{sys, t} }

type keyInFile struct {
	sys    Sys
	target Target
}

func (k keyInFile) Name() string { return k.target.Name }

func (k keyInFile) Destroy(ctx context.Context, note func(op string)) Evidence {
	return Erase(ctx, k.sys, k.target, note)
}

// ProbeGone sees that the name is gone. How the blocks fared it cannot see, so
// its own level is no more than logical.
func (k keyInFile) ProbeGone(ctx context.Context) Evidence {
	e := Evidence{
		Name: k.target.Name, Kind: k.target.Kind, Type: unknownFilesystem.name, Method: "none", Technique: "probe", Standard: standard,
		LevelRequested: k.target.Requested, LevelAchieved: LevelNone, Verified: Unknown, Residual: []string{},
	}
	err := ctx.Err()
	var left []string
	if err == nil {
		left, err = Look(k.sys, k.target)
	}
	switch {
	case err != nil:
		e.Reason = plain(err)
	case len(left) > 0:
		e.Verified, e.Reason = Fail, fmt.Sprintf("%d names are still there", len(left))
	default:
		e.LevelAchieved, e.Verified = LevelLogical, Pass
	}
	return e
}
