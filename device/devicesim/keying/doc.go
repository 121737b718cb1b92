// Package keying holds the rules of payment keys as a reader applies them: key check values by method, key
// blocks, working keys under their master key, DUKPT.
package keying
