package main

import "testing"

func TestAChallengeIsTakenAsItIsShown(t *testing.T) {
	const shown = "UBC1/T-1/1/0/1/0PZRZ31QMJZ2BVP8FMEC19N1NR/59ef"
	cases := []struct {
		name, text, terminal, want string
		refused                    bool
	}{
		{"as shown", shown, "T-1", "0PZRZ31QMJZ2BVP8FMEC19N1NR", false},
		{"alone", "0PZRZ31QMJZ2BVP8FMEC19N1NR", "T-1", "0PZRZ31QMJZ2BVP8FMEC19N1NR", false},
		{"none", "", "T-1", "", false},
		{"of another terminal", shown, "T-2", "", true},
		{"misread", "UBC1/T-1/1/0/1/0PZRZ31QMJZ2BVP8FMEC19N1NS/59ef", "T-1", "", true},
		{"cut", "UBC1/T-1/1/0/1", "T-1", "", true},
	}
	for _, c := range cases {
		if got, err := shownChallenge(c.text, c.terminal); got != c.want || (err != nil) != c.refused {
			t.Errorf("%s: %q %v", c.name, got, err)
		}
	}
}
