// Package envelope signs and opens what unbindd says and believes: DSSE
// envelopes around canonical JSON.
//
// It promises that a payload which was signed is read back as exactly the bytes
// that were signed, that nothing of a payload is used before its signatures
// were counted by package trust, and that two different texts never decode to
// the same object: what was decoded is encoded again and compared byte for
// byte, because Go's JSON accepts duplicate and case-variant members.
//
//	classes.go    the string classes: id, digest, key id, masked, recipient
//	canonical.go  RFC 8785 by restriction: encode, decode, compare
//	form.go       the same for what is in canonical form, in one pass
//	plan.go       decoding that, in the same pass
//	scan.go       the strict look at JSON before any of it is decoded
//	envelope.go   DSSE: PAE, parse, seal, digest
//	written.go    reading and writing it in one pass, where nothing is unusual
//	key.go        public keys, key ids, signers
//	refusal.go    a refusal with its code
//	codes.go      every code: name, sentence and next step, in two languages;
//	              details.go those of a detail that wants its own, place.go
//	              those that are others where somebody else is told
package envelope
