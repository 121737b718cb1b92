// Package command holds the orders a terminal obeys: unbind, cancel, amend and
// close. Verify is the only way to get a command; nobody can hold an unverified
// one by mistake.
//
// It promises the order of the checks: nothing of a payload is used before its
// signatures met the rule, every refusal has a code of its own, and a command
// that answers a challenge asks no clock.
//
//	payload.go  what the orders say
//	verify.go   the checks of a command, in order
//	follow.go   cancel, amend and close, and resuming after a power cut
//	answer.go   the terminal's signed word on each of them
package command
