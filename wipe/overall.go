package wipe

// Overall is the level of several erasures together: that of the weakest. One
// that was not verified counts as none, whatever it says; nothing at all proves
// nothing.
func Overall(all []Evidence) Level {
	if len(all) == 0 {
		return LevelNone
	}
	level := LevelPurgeVerified
	for _, e := range all {
		if e.Verified != Pass || e.LevelAchieved.Rank() < 0 {
			return LevelNone
		}
		level = lower(level, e.LevelAchieved)
	}
	return level
}
