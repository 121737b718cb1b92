package main

import (
	"strings"
	"testing"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// TestWhereACaseStands: the step that a status names is the one that is worked at, or
// the furthest that an ended case had got to, never one that was not begun.
func TestWhereACaseStands(t *testing.T) {
	cancelled := ended()
	cancelled.Case.Outcome, cancelled.Case.Problem = "cancelled", nil
	back := ended()
	back.Mode, back.Case.Outcome, back.Case.Ended = local.Obeying, "running", 0
	for i := range 3 {
		back.Case.Steps[i].State = local.Done
	}
	next := obeying("settle", local.Done)
	for _, c := range []struct {
		name, en, zh string
		s            local.Status
	}{
		{"undone", "it had got to step 7/17 deliver-backup (deliver", "曾进行到第 7/17 步 deliver-backup（送交", ended()},
		{"cancelled", "it had got to step 7/17 deliver-backup (deliver", "曾进行到第 7/17 步 deliver-backup（送交", cancelled},
		{"taken back", "taking back step 3/17 freeze (stop", "正在撤回第 3/17 步 freeze（停止", back},
		{"doing", "step 4/17 settle (settle the open batch): doing", "第 4/17 步 settle（批结算）：进行中", obeying("settle", local.Doing)},
		{"between two", "step 5/17 drain (fetch what the reader still holds): to do", "第 5/17 步 drain（取回读卡器中的记录）：待办", next},
	} {
		for lang, want := range map[envelope.Language]string{envelope.English: c.en, envelope.Chinese: c.zh} {
			text := &strings.Builder{}
			p := &paper{to: text, lang: lang}
			p.status(c.s)
			if !strings.Contains(text.String(), "            "+want) {
				t.Errorf("%s: want %q in\n%s", c.name, want, text)
			}
		}
	}
	text := &strings.Builder{}
	(&paper{to: text, lang: envelope.English}).status(ended())
	if !strings.Contains(text.String(), "outcome: undone, "+moment(caseEnd/1000)+"; point of no return: not crossed") {
		t.Errorf("the status does not tell when it ended:\n%s", text)
	}
}

// TestWhatACaseWaitsFor: of two things the one that has not come, and nothing while the
// case is taken back. That somebody has to walk is told in either case.
func TestWhatACaseWaitsFor(t *testing.T) {
	both := "receipt and ticket"
	for _, c := range []struct {
		name, waiting string
		backed        bool
		en, zh        string
	}{
		{"at first", both, false, "receipt and ticket", "回执与票据"},
		{"with the receipt", both, true, "the reader's ticket; the receipt for the backup is here", "读卡器票据；备份回执已收到"},
		{"at first, by courier", both + carry.en, false, "receipt and ticket; carry the courier's folder to the desk", "回执与票据；请将携带介质的文件夹送至后台"},
		{"with the receipt, by courier", both + carry.en, true,
			"the reader's ticket; the receipt for the backup is here; carry the courier's folder to the desk", "读卡器票据；备份回执已收到；请将携带介质的文件夹送至后台"},
		{"another thing, by courier", "the desk's receipt for the certificate" + carry.en, true,
			"the desk's receipt for the certificate; carry the courier's folder to the desk", "后台的证书回执；请将携带介质的文件夹送至后台"},
	} {
		for lang, want := range map[envelope.Language]string{envelope.English: c.en, envelope.Chinese: c.zh} {
			s := obeying("deliver-backup", local.Doing)
			s.Case.Waiting, s.Case.Backed = c.waiting, c.backed
			p := &paper{to: &strings.Builder{}, lang: lang}
			if got := p.waiting(s.Case); got != want {
				t.Errorf("%s: %q, want %q", c.name, got, want)
			}
			s.Case.Steps[6].State = local.Undone
			if got := append(p.hindrances(s.Case), p.waiting(s.Case)); len(got) != 1 || got[0] != "" {
				t.Errorf("%s, taken back: %q", c.name, got)
			}
		}
	}
}

// TestAnUnboundTerminalHasDoneEveryStep: the last steps go by while the daemon begins
// anew; nobody is left with a step that is doing. One that stayed open stays so.
func TestAnUnboundTerminalHasDoneEveryStep(t *testing.T) {
	last, over := obeying("erase-identity", local.Doing), unbound("complete")
	last.Case.Steps[8].State, over.Case = local.Open, nil
	f := quick(&recorder{}, answers(last, over))
	end, text := followed(t, envelope.English, f)
	if end.Exit != exitDone || end.Outcome != "done" || !strings.Contains(text, "17/17 leave the tombstone                  done") ||
		!strings.Contains(text, " 9/17 erase the reader's keys              open") || strings.Contains(text, " 9/17 erase the reader's keys              done") {
		t.Errorf("%+v\n%s", end, text)
	}
}

// TestATroubledCaseIsNotToldAsEnded: what a running case waits over has not ended it,
// and the terminal does not trade again.
func TestATroubledCaseIsNotToldAsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		s    local.Status
		want string
	}{
		"before": {obeying("check-papers", local.Doing), "Until the point of no return the desk can cancel the case."},
		"behind": {obeying("erase-data", local.Doing), "Nobody can cancel the case any more."},
	} {
		c.s.Case.Problem = &local.Error{Code: "E22:papers", Message: "the papers have not arrived"}
		text := &strings.Builder{}
		p := &paper{to: text, lang: envelope.English}
		p.status(c.s)
		end := endingOf(c.s.Case)
		end.Exit = exitRunning
		p.ending(end)
		if got := text.String(); strings.Count(got, c.want) != 2 || strings.Contains(got, "trades again") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
}
