// Package card is a chip card in software, as it sits in a reader's SAM socket: answer to reset, T=0 and T=1, and a
// few commands to show that a key is there or gone.
package card
