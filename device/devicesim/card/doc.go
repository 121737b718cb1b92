// Package card is a chip card in software, as it sits in a reader's socket: answer to reset, both protocols of
// ISO/IEC 7816-3, and a few commands to show that a key is there or gone.
//
// It promises that a command is executed once, however often its block is sent, and that a key which was deleted is
// overwritten where it lay. A card answers everything it is sent, if only with an error; it never tells a key.
// A Card belongs to one goroutine.
//
//	card.go            Card: reset, what is sent to it, parameter selection (PPS)
//	atr.go             answer to reset
//	t0.go t1.go        the two protocols, the card's end; block.go: the bytes of T=1
//	request.go         command APDUs and the four cases
//	commands.go        what the card can do
//	key.go file.go     its keys, in the working memory or in a file
package card
