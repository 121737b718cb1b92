// Package trust is what a terminal believes: the versioned bundle of keys,
// holders, roles and rules, and how it moves from one version to the next.
//
// It promises that people are counted, not keys: two keys of one holder count
// once, and one holder may not stand for two roles in one envelope. A bundle
// N+1 needs the thresholds of N and of N+1; version 1 is believed only by its
// digest, the anchor, which people compare out of band. What was revoked once
// counts for nothing again, and there is one bundle of each version.
//
//	bundle.go   the payload, its roles and rules
//	rotate.go   anchor, next version, catch-up over several versions
//	verify.go   an envelope's signatures against the rule of its kind
package trust
