package wipe_test

import (
	"testing"

	"unbindd/wipe"
)

func TestOverallIsTheWeakest(t *testing.T) {
	is := func(level wipe.Level, verified string) wipe.Evidence {
		return wipe.Evidence{LevelAchieved: level, Verified: verified}
	}
	clear, logical := is(wipe.LevelClear, wipe.Pass), is(wipe.LevelLogical, wipe.Pass)
	for _, c := range []struct {
		all  []wipe.Evidence
		want wipe.Level
	}{
		{nil, wipe.LevelNone},
		{[]wipe.Evidence{clear}, wipe.LevelClear},
		{[]wipe.Evidence{clear, logical, clear}, wipe.LevelLogical},
		{[]wipe.Evidence{clear, is(wipe.LevelPurgeVerified, wipe.Pass)}, wipe.LevelClear},
		{[]wipe.Evidence{clear, is(wipe.LevelClear, wipe.Unknown)}, wipe.LevelNone},
		{[]wipe.Evidence{clear, is(wipe.LevelClear, wipe.Fail)}, wipe.LevelNone},
		{[]wipe.Evidence{clear, is("destroyed", wipe.Pass)}, wipe.LevelNone},
	} {
		if got := wipe.Overall(c.all); got != c.want {
			t.Errorf("%+v: %s, want %s", c.all, got, c.want)
		}
	}
}
