// Package sealed opens sealed backups and counts them anew. Nothing the sender
// said is taken over: chain, counts, sums and head are recomputed from the lines
// and then compared with what the terminal signed.
//
// It promises that a Recount exists only for a file that was opened to its end
// and whose lines fit together. All of it is in this file.
package sealed

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// Start is where the chain of a backup begins: at its binding, or after the
// head of a predecessor.
type Start struct {
	Binding [32]byte
	Prev    *[32]byte
	First   uint64
}

// Recount is what a backup holds, counted here.
type Recount struct {
	Header  backup.Header
	Trailer backup.Trailer
	Head    ledger.Head
	Tally   ledger.Tally
	prev    string // the chain value before the first line
}

// Open decrypts src and recounts it. each is handed every line before the end
// is seen: what it makes of them may be relied on only when Open returns nil. It
// refuses with E24 and the name of what is wrong.
func Open(src io.Reader, identities []authority.Secret, start Start, each func(line []byte) error) (Recount, error) {
	audit := ledger.NewAuditor(start.Binding, start.Prev, start.First)
	prev := audit.Head().Chain
	r := Recount{prev: hex.EncodeToString(prev[:])}
	var wrong error
	var err error
	r.Header, r.Trailer, err = backup.Open(src, keys(identities), func(line []byte) error {
		if wrong = audit.Add(line); wrong != nil {
			return wrong
		}
		return each(line)
	})
	if wrong != nil {
		return r, refuse("chain", "%w", wrong)
	}
	if err != nil {
		return r, unopened(err)
	}
	r.Head, r.Tally = audit.Head(), audit.Tally()
	return r, r.trailer()
}

// unopened names why a file does not open: it is somebody else's, or it is not what
// was sealed.
func unopened(err error) error {
	if errors.Is(err, backup.ErrNotForUs) {
		return refuse("recipient", "%w", err)
	}
	return refuse("sealed", "%w", err)
}

func keys(identities []authority.Secret) []string {
	var out []string
	for _, id := range identities {
		out = append(out, string(id.Reveal()))
	}
	return out
}

// trailer compares the file's own summary with the recount; its count of lines
// was checked when it was opened.
func (r *Recount) trailer() error {
	switch {
	case r.Trailer.Head != r.Head.Digest():
		return refuse("head", "the trailer names another head")
	case r.Header.Prev != r.prev:
		return refuse("prev", "its chain begins elsewhere")
	}
	return nil
}

// Compare holds the recount against a manifest; the refusal is E24 and the name
// of the first field that differs.
func (r *Recount) Compare(m manifest.Manifest) error {
	for _, c := range []struct {
		which string
		ok    bool
	}{
		{"case", r.Header.Case == string(m.Case)},
		{"command", r.Header.Command == string(m.Command)},
		{"terminal", r.Header.Terminal == string(m.Terminal)},
		{"epoch", r.Header.Epoch == m.Epoch},
		{"count", int64(r.Tally.Count) == m.Count},
		{"events", int64(r.Tally.Events) == m.Events},
		{"refused", int64(r.Tally.Refused) == m.Refused},
		{"lost", int64(r.Tally.Lost) == m.Lost},
		{"first", int64(r.Tally.First) == m.First},
		{"last", int64(r.Tally.Last) == m.Last},
		{"head", r.Head.Digest() == string(m.Head)},
		{"sums", slices.Equal(r.sums(), m.Sums)},
	} {
		if !c.ok {
			return refuse(c.which, "its %s is not what the manifest says", c.which)
		}
	}
	return nil
}

func (r *Recount) sums() []manifest.Sum {
	out := []manifest.Sum{}
	for _, s := range r.Tally.Sums {
		out = append(out, manifest.Sum{
			Amount: s.Amount, Count: s.Count, Currency: envelope.ID(s.Currency), Kind: envelope.ID(s.Kind), Result: envelope.ID(s.Result),
		})
	}
	return out
}

// Totals are the recount as a receipt carries it.
func (r *Recount) Totals() receipt.Totals {
	t := receipt.Totals{Count: int64(r.Tally.Count), Head: envelope.Digest(r.Head.Digest()), Sums: []receipt.Sum{}}
	for _, s := range r.sums() {
		t.Sums = append(t.Sums, receipt.Sum(s))
	}
	return t
}

// ParseChain reads a chain value of 64 hexadecimal digits.
func ParseChain(text string) (*[32]byte, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 || strings.ToLower(text) != text {
		return nil, fmt.Errorf("cannot read a chain value: want 64 hexadecimal digits")
	}
	return (*[32]byte)(raw), nil
}

func refuse(which, format string, args ...any) error {
	return envelope.Refuse("E24", which, "cannot accept the backup: "+format, args...)
}

// Beginning opens src and says where its chain begins by its own header, for
// who has no binding to begin from.
func Beginning(src io.Reader, identities []authority.Secret) (Start, error) {
	h, _, err := backup.Open(src, keys(identities), func([]byte) error { return nil })
	if err != nil {
		return Start{}, unopened(err)
	}
	prev, err := ParseChain(h.Prev)
	return Start{Prev: prev, First: h.First}, err
}
