// Package certificate is the terminal's last signed word: an in-toto statement
// that says what was ordered and by whom, what allowed the erase, what was done
// to every target and how that was checked, and what is left.
//
// It promises to say no more than was done: "complete" is only reached when
// every target is at the level requested and verified, and the reader's keys
// were erased and probed.
//
//	statement.go  the payload, and which fields of SP 800-88r2 4.6 are missing
//	verify.go     open, check, and the rule of "complete"
//	validation.go a second person's word on what the certificate says
//	tombstone.go  what is left: a revealed preimage that needs no key
package certificate
