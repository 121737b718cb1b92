// Package console is the desk's third door: pages for the operators of an office,
// in English and Chinese, on an address of its own that terminals never reach.
//
// It promises that nobody sees a page without a session, which only a link from
// the desk's socket opens, once; that nothing changes but by a form of its own page,
// sent with the session's token; that whatever a stored word holds, it is shown as
// text; that a list reads no more than its page; and that the console holds no key
// that signs: an approver takes the draft, signs on a machine of his own and hands
// the file in. What may be done is package desk's to say, and every page is read
// from the store, so that what another desk changed is seen too.
//
//	console.go   the routes, and how a page is made
//	guard.go     headers, host, origin, method
//	entry.go     the link, the session, the way out
//	form.go      what a form may hold, and whose it is
//	language.go  which language, and the catalogues in words/
//	told.go      the desk's own sentences in the reader's language
//	visible.go   characters that would not be seen, shown
//	menu.go      what every page has
//	cases.go     lists of cases, and one case
//	live.go      one case while it changes
//	approvals.go what waits for signatures
//	payload.go   every field of what is signed
//	terminals.go terminals
//	log.go       checkpoint and proofs
//	overdue.go   what waits too long, and alarms
//	refuse.go    refusals as pages
package console
