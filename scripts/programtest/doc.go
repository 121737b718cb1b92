// Package programtest runs programs for the tests of this house.
//
// It promises that a page, or a test that hands its work on, fails where the program it
// started did not end as it had to.
//
//	page.go                   the word "exits" of a script page
//	plain.go                  a package's own tests, in a build without the race detector
//	red.go                    of what tests said, what those said that failed
//	race_on.go race_off.go    whether this build has the detector
package programtest
