package main

import (
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

const caseEnd = caseStart + 30_000

// ended is a terminal whose last case was taken back.
func ended() local.Status {
	s := undone()
	s.Case.Begun, s.Case.Ended = caseStart-10, caseEnd
	return s
}

// turned is a terminal whose last case was taken back, and which has refused another
// order since.
func turned(at int64) local.Status {
	s := ended()
	s.Refused = refusedAt(at, "sha256:dd00112233445566").Refused
	s.Refused.Case = "none:T-0001"
	return s
}

// followed runs a watch that writes lines, and returns how it ended and what it wrote.
func followed(t *testing.T, lang envelope.Language, f *follower) (ending, string) {
	t.Helper()
	text := &strings.Builder{}
	tool := &tool{out: &paper{to: text, lang: lang}, err: &paper{to: text, lang: lang}, now: time.Now}
	f.view = &lines{out: tool.out, now: time.Now}
	end, err := f.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tool.out.ending(end)
	return end, text.String()
}

// TestAWatchSaysThatTheCaseHadEnded: an order that was published a moment ago is not
// here yet, and nobody may take the case before it for it.
func TestAWatchSaysThatTheCaseHadEnded(t *testing.T) {
	for _, c := range []struct {
		name     string
		s        local.Status
		lang     envelope.Language
		has, not string
	}{
		{"ended", ended(), envelope.English, "No unbinding runs now. This is how the last one went, case C-2026-000123: undone, " + moment(caseEnd/1000), "refused"},
		{"ended", ended(), envelope.English, "none has begun since.\nTo wait for the next one: unbindctl watch --wait", "refused"},
		{"ended", ended(), envelope.Chinese, "目前没有解绑。", "拒绝"},
		{"refused since", turned(caseEnd + 5000), envelope.English, "An order that came since was refused; no unbinding begins by it:\nRefused     command, case not known, " + moment(caseEnd/1000+5), "none has begun since"},
		{"refused before", turned(caseStart), envelope.English, "none has begun since", "refused"},
		{"runs", obeying("freeze", local.Doing), envelope.English, "Still running", "No unbinding runs"},
	} {
		f := quick(&recorder{}, answers(c.s))
		f.timeout = 50 * time.Millisecond
		end, text := followed(t, c.lang, f)
		if end.Past != (c.s.Case.Ended > 0) || !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("%s: past %v, want %q and not %q in\n%s", c.name, end.Past, c.has, c.not, text)
		}
	}
}

// TestAWaitBeginsWithWhatStands: the case that had ended, and the order that was refused
// since, with its time, so that nobody waits for that one.
func TestAWaitBeginsWithWhatStands(t *testing.T) {
	f := quick(&recorder{}, answers(turned(caseEnd+5000)))
	f.wait, f.timeout = true, 50*time.Millisecond
	end, text := followed(t, envelope.English, f)
	for _, want := range []string{
		"The last unbinding, case C-2026-000123, has ended: undone, " + moment(caseEnd/1000) + ".\n",
		"Before this watch began an order was refused; no unbinding begins by it:\nRefused     command, case not known, " + moment(caseEnd/1000+5),
		"Waiting for an unbinding to begin. The terminal: trades.\n",
		"No unbinding has begun since. The last one: case C-2026-000123, undone, ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the watch does not tell %q:\n%s", want, text)
		}
	}
	if end.Exit != exitBlocked || end.Last == nil || end.Refused == nil || strings.Contains(text, "on this terminal") {
		t.Errorf("ended %+v\n%s", end, text)
	}
}

// TestANamedOrder: the refusal of the order that was named ends the wait whenever it
// was, its case is the one that is followed, and another's refusal ends nothing.
func TestANamedOrder(t *testing.T) {
	known := turned(caseEnd)
	known.Refused.Case = "C-2026-000200"
	busy := obeying("settle", local.Doing)
	busy.Refused = turned(caseEnd).Refused
	other := trading()
	for _, c := range []struct {
		name  string
		order order
		list  []local.Status
		want  exit
	}{
		{"refused before, by its digest", "sha256:dd00112233445566", []local.Status{turned(caseEnd)}, exitRefused},
		{"refused before, by a beginning", "dd001122", []local.Status{turned(caseStart)}, exitRefused},
		{"refused before, by its case", "C-2026-000200", []local.Status{known}, exitRefused},
		{"refused while another runs", "sha256:dd001122", []local.Status{busy}, exitRefused},
		{"ended before", "C-2026-000123", []local.Status{ended()}, exitBlocked},
		{"another's refusal", "sha256:ee001122", []local.Status{other, known}, exitRunning},
		{"another's refusal, by case", "C-2026-000201", []local.Status{other, known}, exitRunning},
		{"of no known case, since", "C-2026-000201", []local.Status{other, turned(caseEnd)}, exitRefused},
		{"of no known case, before", "C-2026-000201", []local.Status{turned(caseEnd)}, exitRunning},
		{"another runs", "C-2026-000201", []local.Status{obeying("settle", local.Doing)}, exitRunning},
		{"it runs", "C-2026-000123", []local.Status{obeying("settle", local.Doing), ended()}, exitBlocked},
	} {
		f := quick(&recorder{}, answers(c.list...))
		f.wait, f.order, f.timeout = true, c.order, 10*time.Second
		if c.want == exitRunning {
			f.timeout = 50 * time.Millisecond
		}
		end, err := f.run(t.Context())
		waited := end.Exit == exitBlocked && end.Case == ""
		if err != nil || c.want == exitRunning && !waited || c.want != exitRunning && (end.Exit != c.want || waited) {
			t.Errorf("%s: %+v, %v", c.name, end, err)
		}
	}
}

func TestOrderOf(t *testing.T) {
	for _, text := range []string{"sha256:3ace6970", "3ace697013f1eb28", "C-2026-000001"} {
		if _, err := orderOf(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "sha256:3ace", "sha256:zz", "sha256:", "two words", "a/b.json "} {
		if _, err := orderOf(text); exitOf(err) != exitUsage {
			t.Errorf("%q is taken: %v", text, err)
		}
	}
}

// TestAWaitThatCannotEnd: where no command will be taken, it is not waited for one.
func TestAWaitThatCannotEnd(t *testing.T) {
	for name, c := range map[string]struct {
		s     local.Status
		order order
	}{
		"bound to nobody":    {local.Status{Mode: local.Unenrolled}, ""},
		"unbound by another": {unbound("complete"), "C-2026-000201"},
		"unbound, by digest": {unbound("complete"), "sha256:3ace6970"},
	} {
		c.s.Case = nil
		f := quick(&recorder{}, answers(c.s))
		f.wait, f.order, f.timeout = true, c.order, 10*time.Second
		if end, err := f.run(t.Context()); exitOf(err) != exitBlocked || said(err) {
			t.Errorf("%s: %+v, %v", name, end, err)
		}
	}
}

// TestHistoryIsNoNews: what happened before the watch, or before the case, is not told
// as if it happened now.
func TestHistoryIsNoNews(t *testing.T) {
	text := &strings.Builder{}
	l := &lines{out: &paper{to: text, lang: envelope.English}, now: time.Now}
	l.before(before{Waits: true, Mode: local.Trading, At: caseStart - 1000})
	l.event(local.Event{Time: caseStart - 2000, Kind: "command", Name: "command", State: "refused"})
	l.event(local.Event{Time: caseStart - 2000, Kind: "gate", Name: "receipt", State: "ok"})
	l.status(trading())
	l.event(local.Event{Time: caseStart - 500, Kind: "command", Name: "cancel", State: "refused"})
	l.status(trading())
	if got := text.String(); strings.Contains(got, "gate") || strings.Contains(got, "command: command") || !strings.Contains(got, "command: cancel") {
		t.Errorf("told\n%s", got)
	}
}
