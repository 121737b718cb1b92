package wipe_test

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"unbindd/wipe"
)

// TestWhereTheKeyCannotBeAsked has the kernel answer in each way in which it does not
// know, or does not tell. Then a file that does not open for want of its key locks
// the folder, also one deeper in an encrypted folder, and nothing else does.
func TestWhereTheKeyCannotBeAsked(t *testing.T) {
	const encrypted = 0x800
	for name, c := range map[string]struct {
		files  map[string]int
		sought string
		opens  error
		plain  bool // the folders are not encrypted themselves
		locked bool
	}{
		"a file opens":                {map[string]int{"f": 10}, "f", nil, false, false},
		"a file lacks its key":        {map[string]int{"f": 10}, "f", unix.ENOKEY, false, true},
		"one deeper lacks it":         {map[string]int{"d/e/f": 10}, "x", unix.ENOKEY, false, true},
		"one deeper, of another key":  {map[string]int{"d/e/f": 10}, "x", unix.ENOKEY, true, false},
		"no rights to a file":         {map[string]int{"f": 10}, "x", unix.EACCES, false, false},
		"nothing to try":              {map[string]int{"d/": 0}, "d", unix.ENOKEY, false, false},
		"nothing there":               {nil, "d", unix.ENOKEY, false, false},
		"an absent name beside a key": {map[string]int{"f": 10}, "x", nil, false, false},
	} {
		for _, errno := range []unix.Errno{unix.ENOTTY, unix.EOPNOTSUPP, unix.EINVAL, unix.ENOSYS, unix.EACCES, unix.EPERM} {
			root := plant(t, c.files)
			sys := newTap()
			sys.medium.locked = func(int) (bool, error) { return false, errno }
			sys.medium.flags = func(int) (uint32, error) {
				if c.plain {
					return 0, nil
				}
				return encrypted, nil
			}
			sys.hear = func(call string) error {
				if call == "open-plain" {
					return c.opens
				}
				return nil
			}
			sought := target(root, c.sought)
			left, err := wipe.Look(sys, sought)
			if (err != nil) != c.locked {
				t.Errorf("%s, %v: looked at: %v, %v", name, errno, left, err)
			}
			s := wipe.Dry(sys, sought)
			if told := slices.ContainsFunc(s.Blockers, func(h wipe.Hindrance) bool { return h.Code == wipe.HindranceLocked }); told != c.locked || !c.locked && slices.ContainsFunc(s.Blockers, wipe.Hindrance.Stops) {
				t.Errorf("%s, %v: dry says %+v", name, errno, s.Blockers)
			}
			if e := erase(t, sys, sought); (e.Verified == wipe.Pass) == c.locked {
				t.Errorf("%s, %v: %+v", name, errno, e)
			}
		}
	}
}

// TestOtherAnswersAboutTheKeyAreNoLeave keeps a medium that fails from being taken
// for a kernel that does not know.
func TestOtherAnswersAboutTheKeyAreNoLeave(t *testing.T) {
	root := plant(t, map[string]int{"f": 10})
	sys := newTap()
	sys.medium.locked = func(int) (bool, error) { return false, unix.EIO }
	if left, err := wipe.Look(sys, target(root, "f")); err == nil {
		t.Errorf("it can be looked at: %v", left)
	}
}
