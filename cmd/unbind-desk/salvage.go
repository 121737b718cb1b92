package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/sealed"
)

// salvaged is what was found in a salvage. What follows the last record, and
// whether there was more, is the terminal's word; the rest was counted here.
type salvaged struct {
	Header  backup.Header `json:"header"`
	Head    string        `json:"head"` // of the last record that is there
	Tally   ledger.Tally  `json:"tally"`
	Missing []ledger.Span `json:"missing"`
	Open    bool          `json:"open"`
}

// openSalvage opens a salvage to its end and holds its trailer against its lines;
// first is the header that it was seen to begin with.
func openSalvage(src io.Reader, identities []authority.Secret, first backup.Header, each func(line []byte) error) (found, error) {
	prev, err := sealed.ParseChain(first.Prev)
	if err != nil {
		return nil, err
	}
	audit := ledger.NewPiecesAuditor(*prev)
	var wrong error
	h, t, err := backup.OpenSalvage(src, revealed(identities), func(line []byte) error {
		if wrong = audit.Add(line); wrong != nil {
			return wrong
		}
		return each(line)
	})
	switch {
	case wrong != nil:
		return nil, notAsSaid("chain", wrong)
	case err != nil:
		return nil, notAsSaid("sealed", err)
	case h != first:
		return nil, notAsSaid("sealed", errors.New("it begins otherwise than a moment ago"))
	}
	got := salvaged{Header: h, Head: audit.Head().Digest(), Tally: audit.Tally(), Open: t.Open}
	return got, got.trailer(t, audit)
}

// trailer holds what the file says of itself against what its lines gave.
func (got *salvaged) trailer(t backup.Trailer, audit *ledger.PiecesAuditor) error {
	var sums []ledger.Sum
	if err := errors.Join(json.Unmarshal(t.Missing, &got.Missing), json.Unmarshal(t.Sums, &sums)); err != nil {
		return notAsSaid("sealed", err)
	}
	switch {
	case t.Head != got.Head || t.Last != audit.Head().Seq:
		return notAsSaid("head", errors.New("the trailer names another head"))
	case !slices.Equal(sums, got.Tally.Sums):
		return notAsSaid("sums", errors.New("the trailer's sums are not those of the lines"))
	case !slices.Equal(got.Missing, audit.Missing(got.Missing)):
		return notAsSaid("missing", errors.New("the records said to be missing are not those that are"))
	}
	return nil
}

func notAsSaid(which string, why error) error {
	return envelope.Refuse("E24", which, "cannot accept the salvage: %w", why)
}

func (got salvaged) tell(c *cobra.Command) error {
	return show(c, got, func() {
		say(c, "%s", text{"A salvage of the ledger of terminal %s, enrolment %d; it belongs to no case", "终端 %s 第 %d 次登记的账本抢救文件；不属于任何案件"}.in(got.Header.Terminal, got.Header.Epoch))
		say(c, "%s", text{"%d transaction(s), %d event(s), %d refused, head %s", "%d 笔交易，%d 个事件，%d 条被拒，链头 %s"}.in(got.Tally.Count, got.Tally.Events, got.Tally.Refused, got.Head))
		for _, s := range got.Tally.Sums {
			say(c, "%s", text{"  %-3s %-12s %-9s %6d  %d minor units", "  %-3s %-12s %-9s %6d  %d 最小货币单位"}.in(s.Currency, s.Kind, s.Result, s.Count, s.Amount))
		}
		say(c, "%s", got.lacks())
	})
}

// lacks is the one sentence on what is not in it.
func (got salvaged) lacks() string {
	var words []string
	for _, m := range got.Missing {
		words = append(words, m.String())
	}
	text := "No record is missing"
	if len(words) > 0 {
		text = "Missing, because the terminal could not read them: " + strings.Join(words, ", ")
	}
	if got.Open {
		text += fmt.Sprintf("; whether there were more after record %d is not known", got.last())
	}
	return text + "."
}

func (got salvaged) last() uint64 {
	last := got.Tally.Last
	for _, m := range got.Missing {
		last = max(last, m.Last)
	}
	return last
}
