package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestRepeatedEventsAreDropped(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sales("PX7-1", 1, 5)...)
	head := l.Head()
	done := mustAppend(t, l, "PX7-1", sales("PX7-1", 2, 5)...)
	if done.Added != 0 || done.Repeated != 4 || done.Head != head || l.Head() != head {
		t.Fatalf("repeating: %+v", done)
	}
	done = mustAppend(t, l, "PX7-1", append(sales("PX7-1", 4, 7), sale("PX7-1", 7))...)
	if done.Added != 2 || done.Repeated != 3 || l.Last("PX7-1") != 7 || l.Tally().Count != 7 {
		t.Fatalf("repeating and adding: %+v", done)
	}
	mustVerify(t, l)
}

func TestGapStoresNothing(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sale("PX7-1", 41))
	for _, events := range [][]Event{
		{sale("PX7-1", 43)},
		{sale("PX7-1", 42), sale("PX7-1", 44)},
		{sale("PX7-1", 41), sale("PX7-1", 43)},
	} {
		if _, err := l.Append("PX7-1", events); !errors.Is(err, ErrGap) {
			t.Fatalf("a gap answered %v", err)
		}
	}
	if l.Head().Seq != 1 {
		t.Fatalf("%d records after nothing but gaps", l.Head().Seq)
	}
	mustAppend(t, l, "PX7-1", sale("PX7-1", 42))
	mustAppend(t, l, "PX7-2", sale("PX7-2", 1))
	if _, err := l.Append("PX7-3", []Event{sale("PX7-3", 9), sale("PX7-3", 11)}); !errors.Is(err, ErrGap) {
		t.Fatalf("a new reader's gap answered %v", err)
	}
	mustVerify(t, l)
}

func TestImpossibleEventsAreErrors(t *testing.T) {
	l, _ := newLedger(t)
	huge := make([]Event, 4000)
	for i := range huge {
		huge[i] = sale("PX7-1", uint64(i+1))
	}
	cases := map[string]func() (Appended, error){
		"number 0":        func() (Appended, error) { return l.Append("PX7-1", []Event{{Seq: 0}}) },
		"number 2^53":     func() (Appended, error) { return l.Append("PX7-1", []Event{{Seq: 1 << 53}}) },
		"reader's serial": func() (Appended, error) { return l.Append("PX7 1", sales("PX7-1", 1, 1)) },
		"too many":        func() (Appended, error) { return l.Append("PX7-1", huge) },
	}
	for name, call := range cases {
		if _, err := call(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if l.Head().Seq != 0 {
		t.Fatal("something was stored")
	}
}

// One bad event never blocks the ones behind it, and leaves nothing of itself.
func TestBadBodyBecomesRefusedRecord(t *testing.T) {
	l, _ := newLedger(t)
	const pan = "6228480402564890018"
	bad := func(n uint64, change func(*Record)) Event { return event(transaction("PX7-1", n, change)) }
	done := mustAppend(t, l, "PX7-1",
		sale("PX7-1", 1),
		Event{Seq: 2, Body: []byte(`not json at all ` + pan)},
		bad(3, func(r *Record) { r.Auth = pan }),
		bad(4, func(r *Record) { r.Reader = "PX7-2" }),
		Event{Seq: 5, Body: sale("PX7-1", 6).Body},
		bad(6, func(r *Record) { r.Seq = 6 }),
		event(Record{Code: "E25:pan", Evseq: 7, Kind: "refused", Reader: "PX7-1"}),
		sale("PX7-1", 8),
		Event{Seq: 9, Lost: true},
	)
	want := []Refusal{{2, "E25:not-canonical"}, {3, "E25:pan"}, {4, "E25:reader"}, {5, "E25:evseq"}, {6, "E25:seq"}, {7, "E25:kind"}, {9, "E25:lost"}}
	if done.Added != 9 || !slices.Equal(done.Refused, want) {
		t.Fatalf("added %d, refused %v", done.Added, done.Refused)
	}
	lines, _, tally := export(t, l, 1)
	if tally.Count != 2 || tally.Refused != 7 || l.Last("PX7-1") != 9 {
		t.Fatalf("tally %+v", tally)
	}
	if all := strings.Join(lines, ""); strings.Contains(all, pan) {
		t.Fatal("the content of a refused event is in the ledger")
	}
	if !strings.HasSuffix(lines[1], `"t":{"code":"E25:not-canonical","evseq":2,"kind":"refused","reader":"PX7-1","seq":2}}`+"\n") {
		t.Fatalf("the refused record reads %s", lines[1])
	}
	mustVerify(t, l)
}

func TestSumsNeverOverflow(t *testing.T) {
	l, _ := newLedger(t)
	amount := func(n uint64, kind string, amount int64) Event {
		return event(transaction("PX7-1", n, func(r *Record) { r.Kind, r.Amount = kind, amount }))
	}
	done := mustAppend(t, l, "PX7-1",
		amount(1, "sale", maxInt-5),
		amount(2, "sale", 6),   // the sum of sales is full
		amount(3, "refund", 9), // the unsettled sum is full
		amount(4, "sale", 5),
		amount(5, "sale", 0),
	)
	if !slices.Equal(done.Refused, []Refusal{{2, "E25:amount"}, {3, "E25:amount"}}) {
		t.Fatalf("refused %v", done.Refused)
	}
	if sums := l.Tally().Sums; len(sums) != 1 || sums[0].Amount != maxInt || sums[0].Count != 3 {
		t.Fatalf("sums %+v", sums)
	}
	declined := func(n uint64, amount int64) Event {
		return event(transaction("PX7-1", n, func(r *Record) { r.Result, r.Amount = "declined", amount }))
	}
	done = mustAppend(t, l, "PX7-1", declined(6, maxInt), declined(7, 1)) // never unsettled, but a sum too
	if !slices.Equal(done.Refused, []Refusal{{7, "E25:amount"}}) {
		t.Fatalf("refused %v", done.Refused)
	}
	mustVerify(t, l)
}

func TestTallyAndUnsettled(t *testing.T) {
	l, _ := newLedger(t)
	n := uint64(0)
	add := func(change func(*Record)) {
		n++
		mustAppend(t, l, "PX7-1", event(transaction("PX7-1", n, change)))
	}
	add(func(r *Record) { r.Amount = 100 })
	add(func(r *Record) { r.Amount, r.Kind = 30, "refund" })
	add(func(r *Record) { r.Amount, r.Result = 70, "declined" })
	add(func(r *Record) { r.Amount, r.Currency = 5, "AUD" })
	mustAppend(t, l, "PX7-1", event(Record{Evseq: 5, Kind: "tamper", Reader: "PX7-1", Time: 1}))
	if got, want := l.Unsettled(), []OpenSum{{5, 1, "AUD"}, {130, 2, "CNY"}}; !slices.Equal(got, want) {
		t.Fatalf("unsettled %v", got)
	}
	mustAppend(t, l, "PX7-1", event(Record{Batch: "000001", Evseq: 6, Kind: "batch-close", Reader: "PX7-1", Time: 2}))
	if got := l.Unsettled(); len(got) != 0 {
		t.Fatalf("unsettled after the batch close: %v", got)
	}
	n = 6
	add(func(r *Record) { r.Amount = 1 })
	if got, want := l.Unsettled(), []OpenSum{{1, 1, "CNY"}}; !slices.Equal(got, want) {
		t.Fatalf("unsettled in the new batch: %v", got)
	}
	tally := l.Tally()
	want := []Sum{
		{5, 1, "AUD", "sale", "approved"},
		{30, 1, "CNY", "refund", "approved"},
		{101, 2, "CNY", "sale", "approved"},
		{70, 1, "CNY", "sale", "declined"},
	}
	if !slices.Equal(tally.Sums, want) || tally.Count != 5 || tally.Events != 2 || tally.First != 1 || tally.Last != 7 {
		t.Fatalf("tally %+v", tally)
	}
	mustVerify(t, l)
}

// Everybody who waits while a commit is under way shares the next one.
func TestWaitingEventsShareCommit(t *testing.T) {
	const readers = 8
	begun, release := make(chan struct{}), make(chan struct{})
	commits := 0
	l, _ := newLedger(t, func(o *Options) {
		o.WrapCommit = func(commit func() error) error {
			commits++
			if commits == 1 {
				close(begun)
				<-release
			}
			return commit()
		}
	})
	var group sync.WaitGroup
	send := func(reader string) {
		group.Go(func() {
			if _, err := l.Append(reader, sales(reader, 1, 3)); err != nil {
				t.Error(err)
			}
		})
	}
	send("first")
	<-begun
	for i := range readers {
		send(fmt.Sprintf("reader-%d", i))
	}
	for { // until all of them wait; the queue itself is the sign
		runtime.Gosched()
		l.queueing.Lock()
		n := len(l.queue)
		l.queueing.Unlock()
		if n == readers {
			break
		}
	}
	close(release)
	group.Wait()
	if commits != 2 {
		t.Fatalf("%d commits for one and then %d waiting", commits, readers)
	}
	if l.Tally().Count != 3*(readers+1) {
		t.Fatalf("%d transactions", l.Tally().Count)
	}
	mustVerify(t, l)
}

// In a shared commit one caller's gap is nobody else's.
func TestGapInSharedCommitIsItsOwn(t *testing.T) {
	l, _ := newLedger(t)
	mustAppend(t, l, "PX7-1", sale("PX7-1", 1))
	good := &waiting{reader: "PX7-2", events: sales("PX7-2", 1, 2)}
	bad := &waiting{reader: "PX7-1", events: sales("PX7-1", 3, 4)}
	l.writing.Lock()
	l.writeGroup([]*waiting{bad, good})
	l.writing.Unlock()
	if !errors.Is(bad.err, ErrGap) || good.err != nil || good.appended.Added != 2 {
		t.Fatalf("bad: %v; good: %v, %+v", bad.err, good.err, good.appended)
	}
	mustVerify(t, l)
}

// Against a plain model: any sequence of appends, repeats, gaps, bad bodies and
// reopenings leaves every event once, in order.
func TestAppendAgainstModel(t *testing.T) {
	if withoutDetector(t) {
		return
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		o := testOptions()
		o.MaxSegment = minMaxSegment
		l, err := Open(dir, o)
		if err != nil {
			rt.Fatal(err)
		}
		last := map[string]uint64{}
		total := uint64(0)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			reader := rapid.SampledFrom([]string{"r1", "r2"}).Draw(rt, "reader")
			from := last[reader] + rapid.Uint64Range(0, 2).Draw(rt, "skip")
			n := rapid.Uint64Range(1, 20).Draw(rt, "n")
			from = max(from, 1)
			gap := last[reader] != 0 && from > last[reader]+1
			_, err := l.Append(reader, sales(reader, from, from+n-1))
			if gap != errors.Is(err, ErrGap) || !gap && err != nil {
				rt.Fatalf("from %d after %d: %v", from, last[reader], err)
			}
			if !gap {
				before := max(last[reader], from-1)
				last[reader] = max(last[reader], from+n-1)
				total += last[reader] - before
			}
			if rapid.Bool().Draw(rt, "reopen") {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				if l, err = Open(dir, o); err != nil {
					rt.Fatal(err)
				}
			}
			if l.Head().Seq != total || l.Last(reader) != last[reader] {
				rt.Fatalf("head %d of %d, last %d of %d", l.Head().Seq, total, l.Last(reader), last[reader])
			}
		}
		if err := errors.Join(l.Verify(context.Background()), l.Close()); err != nil {
			rt.Fatal(err)
		}
	})
}
