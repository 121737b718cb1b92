// Package keying holds the rules of payment keys as a reader applies them: what a key is, how it is checked,
// carried, derived and used up.
//
// It promises that a key is never printed, that a key block is believed only after its MAC, and that a counter of
// DUKPT moves forward only. It keeps nothing: where keys and counters lie, and when they are durable, is the
// business of the reader's memory.
//
//	key.go          Key and Algorithm
//	cipher.go       block ciphers of the four algorithms, ECB, working keys under their master key
//	cmac.go mac.go  CMAC; the MAC of a terminal's messages
//	kcv.go          key check values by method
//	header.go       the header of a key block: X9.143 (TR-31)
//	keyblock.go     wrap and unwrap, versions B and D
//	dukpt.go        DUKPT with 3DES: X9.24-1
//	dukpt_aes.go    DUKPT with AES: X9.24-3
package keying
