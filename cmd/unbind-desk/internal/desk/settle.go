package desk

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"unbindd/cmd/unbind-desk/internal/store"
)

// Settlement is a person's word on an alarm: that it was looked into, and what came of
// it. The name is what was typed; nobody signs it.
type Settlement struct {
	Kind  string `json:"kind"`
	About string `json:"about"`
	By    string `json:"by"`
	Why   string `json:"why"`
	Seen  int64  `json:"seen"` // how often the alarm was counted when it was looked into
}

const (
	byMost       = 64  // letters of a name
	whyMost      = 300 // and of a reason
	settlingMost = 100 // settlements of one alarm that are kept, the newest
)

// Settle writes a person's word beside an alarm that is up. The alarm stays, and is
// raised anew by whatever raises it next, however soon. A word on what was seen less often
// settles nothing: nobody looked into the last time. What is taken back by itself needs
// nobody's word.
func (d *Desk) Settle(s Settlement) (a store.Alarm, err error) {
	if !spoken(s.By, byMost) || !spoken(s.Why, whyMost) {
		return a, refuse(ErrMalformed, "E02", "settlement", "cannot settle the alarm: want a name of up to %d letters and a reason of up to %d, on one line", byMost, whyMost)
	}
	if !slices.Contains([]string{Zombie, store.SpoiltRow}, s.Kind) {
		return a, refuse(ErrUnfit, "E28", "kind", "cannot settle the alarm: only those of the kinds zombie and spoilt are settled by a person")
	}
	err = d.change(func(tx *store.Tx) error {
		if a, err = tx.Alarm(s.Kind, s.About); err != nil {
			return absent(err, "alarm", "the alarm")
		}
		if a.Quiet {
			return refuse(ErrConflict, "E28", "settled", "cannot settle the alarm: it is settled, and nothing has raised it since")
		}
		if a.Count != s.Seen {
			return refuse(ErrConflict, "E28", "seen", "cannot settle the alarm: it was counted %d times by now, and the word is on %d; look into it again", a.Count, s.Seen)
		}
		a.Quiet = true
		a.Settled = append(slices.Clone(a.Settled), store.Settled{At: d.now(), By: s.By, Why: s.Why})
		a.Settled = a.Settled[max(0, len(a.Settled)-settlingMost):]
		return tx.PutAlarm(a)
	})
	return a, err
}

// spoken says whether a text is one that a person may have typed and may be shown.
func spoken(text string, most int) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= most &&
		!slices.ContainsFunc([]rune(text), func(r rune) bool { return !unicode.IsPrint(r) })
}
