// Package fleet is ten thousand terminals in one process: each with its own keys,
// its own enrolment and its own connection, saying to a real desk what a real
// terminal says.
//
// It promises that nothing of it is easier for the desk than a terminal would be:
// enrolments, commands, certificates and handshakes are complete and signed, the
// desk runs as a process of its own, and what it answers is checked.
//
//	office.go      a desk: founded, started, killed, asked by its operator
//	people.go      who signs commands, with the keys of a demonstration
//	terminal.go    keys, admission, enrolment, a command
//	enlist.go      many of them made ready
//	certificate.go the last signed word of a terminal
//	line.go        one connection, and HTTP on it without a goroutine
//	crowd.go       many of them at once; how long each took
//	limit.go       how many connections the system lets a process have
//	watch.go       what a process uses; tail.go the end of its log
//	audit.go       what the desk has, held against what it acknowledged
//	run.go         the whole journey of a fleet
//	section.go     one part of a page
package fleet
