package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAuditorAgreesWithLedger(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 2)
	mustAppend(t, l, "PX7-2", Event{Seq: 1, Body: []byte("nonsense")}, event(Record{Evseq: 2, Kind: "tamper", Reader: "PX7-2", Time: 1}))
	lines, head, tally := export(t, l, 1)
	a := NewAuditor(testBinding, nil, 1)
	for _, line := range lines {
		if err := a.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	got := a.Tally()
	if a.Head() != head || got.Records() != tally.Records() || !slices.Equal(got.Sums, tally.Sums) || got.Last != head.Seq {
		t.Fatalf("the auditor counts %+v, the ledger %+v", got, tally)
	}
}

func TestAuditorFromTheMiddle(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 10)...)
	before := l.Head().Chain
	mustAppend(t, l, "PX7-1", sales("PX7-1", 11, 15)...)
	lines, head, _ := export(t, l, 11)
	a := NewAuditor(testBinding, &before, 11)
	for _, line := range lines {
		if err := a.Add([]byte(strings.TrimSuffix(line, "\n"))); err != nil {
			t.Fatal(err)
		}
	}
	if a.Head() != head || a.Tally().First != 11 {
		t.Fatalf("head %d, tally %+v", a.Head().Seq, a.Tally())
	}
	if err := NewAuditor(testBinding, nil, 11).Add([]byte(lines[0])); err == nil {
		t.Fatal("a tail without its predecessor was taken")
	}
}

func TestAuditorRefuses(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 4)...)
	lines, _, _ := export(t, l, 1)
	change := func(i int, old, new string) func([]string) []string {
		return func(lines []string) []string {
			lines[i] = strings.Replace(lines[i], old, new, 1)
			return lines
		}
	}
	cases := map[string]func([]string) []string{
		"amount":         change(1, `"amount":2`, `"amount":9`),
		"number":         change(1, `"seq":2`, `"seq":3`),
		"no number":      change(1, `"seq":2,`, ``),
		"chain":          func(l []string) []string { l[1] = l[1][:6] + l[2][6:70] + l[1][70:]; return l },
		"upper case":     func(l []string) []string { l[1] = l[1][:6] + strings.ToUpper(l[1][6:70]) + l[1][70:]; return l },
		"white space":    change(1, `{"c"`, `{ "c"`),
		"open end":       func(l []string) []string { l[1] = l[1][:len(l[1])-2]; return l },
		"not hex":        func(l []string) []string { l[1] = l[1][:6] + "zz" + l[1][8:]; return l },
		"short":          func(l []string) []string { l[1] = `{"c":"00"`; return l },
		"empty":          func(l []string) []string { l[1] = ""; return l },
		"one missing":    func(l []string) []string { return slices.Delete(l, 1, 2) },
		"first missing":  func(l []string) []string { return l[1:] },
		"repeated":       func(l []string) []string { return slices.Insert(l, 1, l[0]) },
		"two swapped":    func(l []string) []string { l[1], l[2] = l[2], l[1]; return l },
		"two in one":     func(l []string) []string { l[1] += l[2]; return l },
		"extra new line": func(l []string) []string { l[1] += "\n"; return l },
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			a := NewAuditor(testBinding, nil, 1)
			var err error
			for _, line := range harm(slices.Clone(lines)) {
				err = a.Add([]byte(line))
			}
			if err == nil {
				t.Fatal("the last Add still says nil")
			}
		})
	}
	other := sha256.Sum256([]byte("other binding"))
	if err := NewAuditor(other, nil, 1).Add([]byte(lines[0])); err == nil {
		t.Fatal("another binding's line was taken")
	}
}

// chainer makes lines whose chain fits whatever the record says.
type chainer struct{ chain [32]byte }

func (c *chainer) line(seq, evseq uint64) []byte {
	r := transaction("PX7-1", evseq, func(r *Record) { r.Seq = seq })
	raw := r.AppendCanonical(nil)
	c.chain = link(c.chain, raw)
	return fmt.Appendf(nil, `{"c":"%x","t":%s}`, c.chain, raw)
}

// Chained rightly, but with an event twice, or a number left out: only the
// rules find it.
func TestAuditorFindsWhatChainCannot(t *testing.T) {
	for name, c := range map[string]struct {
		seq, evseq uint64
		want       error
	}{
		"event repeated": {3, 2, ErrGap},
		"event left out": {3, 4, ErrGap},
		"number again":   {2, 3, errOrder},
		"number skipped": {4, 3, errOrder},
		"good":           {3, 3, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, lines := NewAuditor(testBinding, nil, 1), chainer{origin(testBinding, nil)}
			if err := errors.Join(a.Add(lines.line(1, 1)), a.Add(lines.line(2, 2))); err != nil {
				t.Fatal(err)
			}
			if err := a.Add(lines.line(c.seq, c.evseq)); !errors.Is(err, c.want) {
				t.Fatalf("it answered %v", err)
			}
			if c.want == nil {
				return
			}
			if a.Head().Seq != 2 || a.Tally().Count != 2 {
				t.Fatal("the line that does not fit was counted")
			}
			lines = chainer{a.Head().Chain}
			if err := a.Add(lines.line(3, 3)); !errors.Is(err, c.want) {
				t.Fatalf("a failed audit went on: %v", err)
			}
		})
	}
}

// Ten thousand records of any kind: ledger, auditor and a sum done here agree.
func TestTenThousandRecords(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	l, _ := newLedger(t)
	random := rapid.Custom(func(t *rapid.T) Record {
		return transaction("PX7-1", 1, func(r *Record) {
			r.Amount = rapid.Int64Range(0, 1<<40).Draw(t, "amount")
			r.Kind = rapid.SampledFrom(transactionKinds).Draw(t, "kind")
			r.Result = rapid.SampledFrom(results).Draw(t, "result")
			r.Currency = rapid.SampledFrom([]string{"CNY", "USD", "HKD"}).Draw(t, "currency")
			if rapid.Bool().Draw(t, "no card") {
				r.Card, r.Method, r.Entry = nil, "wechat", "scan"
			}
		})
	})
	const total, batch = 10000, 500
	want := map[Sum]Sum{}
	for first := 1; first <= total; first += batch {
		var events []Event
		for n := first; n < first+batch; n++ {
			r := random.Example(n)
			r.Evseq = uint64(n)
			events = append(events, event(r))
			key := Sum{Currency: r.Currency, Kind: r.Kind, Result: r.Result}
			s := want[key]
			want[key] = Sum{s.Amount + r.Amount, s.Count + 1, r.Currency, r.Kind, r.Result}
		}
		mustAppend(t, l, "PX7-1", events...)
	}
	a := NewAuditor(testBinding, nil, 1)
	head, tally, err := l.Export(context.Background(), 1, a.Add)
	if err != nil || a.Head() != head || head.Seq != total {
		t.Fatalf("head %d, %v", head.Seq, err)
	}
	for _, tally := range []Tally{tally, l.Tally(), a.Tally()} {
		if len(tally.Sums) != len(want) || !slices.IsSortedFunc(tally.Sums, compareSums) {
			t.Fatalf("%d sums of %d", len(tally.Sums), len(want))
		}
		for _, s := range tally.Sums {
			if want[Sum{Currency: s.Currency, Kind: s.Kind, Result: s.Result}] != s {
				t.Fatalf("sum %+v", s)
			}
		}
	}
	mustVerify(t, l)
}

func FuzzAuditor(f *testing.F) {
	l, _ := newLedger(f)
	mustAppend(f, l, "PX7-1", append(sales("PX7-1", 1, 2), Event{Seq: 3, Body: nil})...)
	lines, _, _ := export(f, l, 1)
	for _, line := range lines {
		f.Add([]byte(line))
	}
	f.Add([]byte(`{"c":"` + strings.Repeat("0", 64) + `","t":}`))
	first := lines[0]
	f.Fuzz(func(t *testing.T, line []byte) {
		a := NewAuditor(testBinding, nil, 1)
		if err := a.Add(line); err == nil && strings.TrimSuffix(string(line), "\n") != strings.TrimSuffix(first, "\n") {
			// Anybody can make a first line that fits; it must then be well formed.
			if a.Head().Seq != 1 || a.Tally().Records() != 1 {
				t.Fatalf("%q was taken as %+v", line, a.Tally())
			}
		}
	})
}
