package main

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

// plan is the step list of the project: the reversible steps, then the final
// ones.
var (
	reversible = []string{
		"check-papers", "inspect", "freeze", "settle", "drain", "seal-backup", "deliver-backup", "await-successor",
	}
	final = []string{
		"erase-reader-keys", "erase-keys", "erase-data", "remove-software", "verify-erased",
		"sign-certificate", "deliver-certificate", "erase-identity", "tombstone",
	}
)

func allSteps() []string { return slices.Concat(reversible, final) }

const caseStart = int64(1_700_000_000_000)

// stepsAt is the plan where the named step is in the state, those before it
// done and those after it to do.
func stepsAt(name, state string) []local.Step {
	var out []local.Step
	at := slices.Index(allSteps(), name)
	for i, step := range allSteps() {
		s := local.Step{Name: step, Final: slices.Contains(final, step), State: local.Done}
		s.Started = caseStart + int64(i)*1000
		s.Finished = s.Started + 250
		switch {
		case i == at:
			s.State, s.Finished = state, 0
		case i > at:
			s.State, s.Started, s.Finished = local.Todo, 0, 0
		}
		out = append(out, s)
	}
	return out
}

func trading() local.Status {
	return local.Status{
		Schema: local.Schema, Version: "1.0.0", Mode: local.Trading, Terminal: "T-0001", Epoch: 2, Trust: 3, Clock: "trusted",
		Reader: local.Reader{State: "ready", Serial: "SN-1"},
		Ledger: &local.Ledger{Transactions: 128, Events: 3, Head: "sha256:aa"},
		Link:   local.Link{Name: "https", State: "up"},
	}
}

// obeying is a terminal whose case has got to a step.
func obeying(name, state string) local.Status {
	s := trading()
	s.Mode = local.Obeying
	steps := stepsAt(name, state)
	s.Case = &local.Case{
		Case: "C-2026-000123", Command: "sha256:cc", Action: "rebind", Reason: "merchant-closed", Profile: "rebind-standard",
		Approvers: []local.Approver{{Holder: "ops-1", Role: "operations"}, {Holder: "sec-1", Role: "security"}},
		Steps:     steps, Outcome: "running", Crossed: slices.Contains(final, name),
	}
	return s
}

func unbound(result string) local.Status {
	s := obeying("tombstone", local.Done)
	s.Mode, s.Ledger = local.Unbound, nil
	s.Case.Outcome, s.Case.Result, s.Case.Receipted = "done", result, true
	s.Tombstone = &local.Tombstone{Action: "rebind", Case: "C-2026-000123", Certificate: "sha256:ee", Epoch: 2, Result: result, Revealed: true}
	return s
}

// undone is a case that was taken back; those named keep their effect.
func undone(keeps ...string) local.Status {
	s := obeying("deliver-backup", local.Undone)
	s.Mode = local.Trading
	s.Case.Outcome = "undone"
	s.Case.Problem = &local.Error{Code: "E22:receipt", Message: "cannot cross: there is no receipt"}
	for i := range s.Case.Steps {
		if step := &s.Case.Steps[i]; step.State == local.Done && !slices.Contains(keeps, step.Name) {
			step.State = local.Undone
		}
	}
	return s
}

func partial() local.Status {
	s := obeying("erase-reader-keys", local.Open)
	s.Case.Result, s.Case.Receipted, s.Case.Quarantine = "partial", true, true
	s.Case.Waiting = "a signed close, for less than was asked for: logs-1, app-data-2"
	s.Case.Next = "have the terminal's medium looked at or destroyed, and sign a close"
	return s
}

func crossed(receipted bool) local.Status {
	s := obeying("deliver-certificate", local.Doing)
	s.Case.Result, s.Case.Receipted, s.Case.Waiting = "complete", receipted, "the desk's receipt"
	return s
}

// whole is a run from the first step to the tombstone.
func whole() []local.Status {
	var out []local.Status
	for _, name := range allSteps() {
		out = append(out, obeying(name, local.Doing))
	}
	return append(out, unbound("complete"))
}

func dryRun(blockers ...local.Error) local.Plan {
	p := local.Plan{
		Schema: local.Schema, Profile: "rebind-standard", Action: "rebind", Steps: stepsAt("check-papers", local.Todo),
		Erase: []local.Target{{Class: "ledger", Name: "ledger", Items: 1, Bytes: 1_234_567, Level: "clear", Notes: []local.Note{
			{Code: "hard-links", N: 2, Text: "2 files have another name; their content goes, that name stays"},
			{Code: "of-tomorrow", N: 2, Text: "a word of a later daemon"},
		}}},
		Upload:    []local.Upload{{Name: "backup", Items: 128, To: "https"}},
		Keep:      []local.Kept{{Name: "tombstone", Why: "says that the terminal is unbound"}},
		Blockers:  []local.Error{},
		Elsewhere: []local.Note{{Code: "swap", N: 1, Text: "swap is on; what was in memory may be on its medium"}},
	}
	p.Blockers = append(p.Blockers, blockers...)
	return p
}

// refusedAt is a trading terminal whose last command was refused.
func refusedAt(at int64, digest string) local.Status {
	s := trading()
	s.Refused = &local.Refused{Kind: "command", Digest: digest, Case: "C-2026-000123", At: at, Why: local.Error{
		Code: "E05:missing-role", Message: "cannot verify the envelope: role security has not signed", Next: "Let the missing role sign.",
	}}
	return s
}

// turnedDown refuses a command while somebody waits; an earlier one had been refused,
// and is offered again.
func turnedDown() *daemon {
	d := offeredAgain()
	d.statuses = append(d.statuses, refusedAt(caseStart+9000, "sha256:dd"))
	return d
}

// offeredAgain refuses a command that it had refused before, later.
func offeredAgain() *daemon {
	return &daemon{statuses: []local.Status{refusedAt(caseStart, "sha256:cc"), refusedAt(caseStart, "sha256:cc"), refusedAt(caseStart+5000, "sha256:cc")}, events: gateEvents()}
}

// untried is a terminal that has not asked its desk yet.
func untried() local.Status {
	s := trading()
	s.Link = local.Link{State: "untried"}
	return s
}

// untrusting is a terminal whose desk offers a trust that it does not follow.
func untrusting() local.Status {
	s := trading()
	s.Untrusted = &local.Untrusted{Step: 3, Digest: "sha256:ff", At: caseStart, Why: local.Error{
		Code: "E16:fork", Message: "cannot take over a trust bundle: another bundle of version 3 is known",
	}}
	return s
}

func gateEvents() []local.Event {
	return []local.Event{
		{ID: 1, Time: 5, Kind: "gate", Name: "old-case", State: "ok"},
		{ID: 2, Time: caseStart + 7500, Kind: "gate", Name: "ledger-head", State: "ok", Detail: "128"},
	}
}

// scenarios are what a page of testdata/script can start by name.
func scenarios() map[string]*daemon {
	answers := func(statuses ...local.Status) *daemon {
		return &daemon{
			statuses: statuses, plan: dryRun(), events: gateEvents(),
			challenge: local.Challenge{
				Schema: local.Schema, Challenge: "0123456789ABCDEFGHJKMNPQRS", Text: "UBC1/T-0001/2/7/3/0123456789ABCDEFGHJKMNPQRS/K",
				Terminal: "T-0001", Epoch: 2, Seq: 7, Trust: 3,
			},
			loaded: local.Loaded{Schema: local.Schema, Items: []local.Object{
				{Kind: "trust", Digest: "sha256:bb", Outcome: "known"},
				{Kind: "command", Digest: "sha256:cc", Outcome: "accepted", Case: "C-2026-000123"},
			}},
		}
	}
	blocked := answers(trading())
	blocked.plan = dryRun(local.Error{Code: "E22:unsettled", Message: "3 transactions are not settled"})
	batch, amount := answers(trading()), int64(1500)
	batch.plan = dryRun(local.Error{Code: "E22:unsettled", Message: "3 transactions not settled"})
	batch.plan.Elsewhere = []local.Note{}
	batch.plan.Open = []local.OpenSum{{Currency: "CNY", Count: 2, Amount: &amount}, {Currency: "USD", Count: 1}}
	beyond := answers(obeying("erase-data", local.Doing))
	beyond.plan = dryRun()
	beyond.plan.Crossed, beyond.plan.Case, beyond.plan.Steps = true, "C-2026-000123", stepsAt("erase-data", local.Doing)
	refused := answers(trading())
	refused.loaded.Items[1] = local.Object{Kind: "command", Outcome: "refused", Error: &local.Error{
		Code: "E05:missing-role", Message: "cannot verify the envelope: role security has not signed",
	}}
	elsewhere := answers(ended())
	elsewhere.loaded.Items = []local.Object{{Kind: "cancel", Digest: string(cancelOfAnother().Digest()), Outcome: "refused", Case: "none:T-0001", Error: &local.Error{
		Code: "E28:case", Message: "cannot take it: no case runs here",
	}}}
	late := answers(crossed(false))
	late.refuse = &local.Error{Code: "E23", Message: "cannot cancel: the point of no return is crossed"}
	choosing := answers(trading())
	choosing.refuse = &local.Error{Code: "E17:profile", Message: "cannot plan: choose one of 2 profiles by name"}
	forbidden := answers(trading())
	forbidden.forbid = &local.Error{Code: "role", Message: "cannot answer: this user may not ask", Next: "Log in as a technician."}
	foreign, poor, silent := withReader("SN-9"), withReader("SN-1"), withReader("")
	poor.reader.Driver, poor.reader.Unsupported, poor.reader.Tamper = "ccid", []string{"tamper", "list"}, local.CheckUnsupported
	poor.reader.Sockets = []local.Socket{{Slot: 0, Card: true}, {Slot: 1, Present: true, ATR: "3b68"}}
	poor.tested.Checks = append(poor.tested.Checks, local.ReaderCheck{Check: "list", Result: local.CheckUnsupported},
		local.ReaderCheck{Check: "probe", Result: local.CheckFailed, Detail: "listed as loaded and does not answer: TMK in slot 16"})
	poor.tested.OK, poor.tested.Repeats, poor.tested.Damaged = false, 4, 1
	return map[string]*daemon{
		"ended": answers(ended()), "turned-since": answers(turned(caseEnd + 5000)), "elsewhere": elsewhere,
		"turned-down": turnedDown(), "offered-again": offeredAgain(), "untried": answers(untried()),
		"reader": withReader("SN-1"), "reader-foreign": foreign, "reader-poor": poor, "reader-silent": silent,
		"unenrolled": answers(local.Status{Schema: local.Schema, Mode: local.Unenrolled, Clock: "unknown"}),
		"trading":    answers(trading()), "untrusting": answers(untrusting()), "blocked": blocked, "open-batch": batch, "beyond": beyond, "refusing": refused, "forbidding": forbidden, "choosing": choosing,
		"whole": answers(whole()...), "unbound": answers(unbound("complete")), "unbound-partial": answers(unbound("partial")),
		"undone": answers(obeying("settle", local.Doing), undone()), "undone-settled": answers(undone("settle", "drain")),
		"partial": answers(partial()), "stuck": answers(obeying("deliver-backup", local.Doing)),
		"crossed": late, "receipted": answers(crossed(true)),
	}
}

// cancelOfAnother is a cancel of a case that never was here; its signature is nobody's.
func cancelOfAnother() *envelope.Envelope {
	e, err := envelope.Parse([]byte(cancelText), envelope.MaxSize)
	if err != nil {
		panic(err)
	}
	return e
}

// cancelText is the file of it, as the pages of testdata/script have it, too.
const cancelText = `{"payload":"eyJjYXNlIjoiQy0yMDI2LTAwMDA3NyJ9","payloadType":"application/vnd.unbindd.cancel.v1+json","signatures":[{"keyid":"ed25519:0000000000000000","sig":"AAAA"}]}`

// withReader is a trading terminal, bound to SN-1, with this reader on its line.
func withReader(serial string) *daemon {
	d := &daemon{statuses: []local.Status{trading()}}
	d.reader = local.ReaderReport{
		Schema: local.Schema, Path: "/dev/ttyS1", Driver: "pedlink", Baud: 115200, State: "lost", Error: "no answer in time",
		Bound: "SN-1", Can: []string{}, Unsupported: []string{},
	}
	if serial != "" {
		d.reader.State, d.reader.Error, d.reader.Serial, d.reader.Model, d.reader.Firmware = "ready", "", serial, "PED-1", "1.0.0"
		d.reader.Can, d.reader.Tamper, d.reader.BootCount = []string{"events", "list", "erase"}, "intact", 3
		d.reader.Counts = local.Line{FramesIn: 40, FramesOut: 41, Repeats: 1, BytesIn: 900, BytesOut: 800}
	}
	d.slots = local.KeySlots{Schema: local.Schema, Serial: serial, Slots: []local.KeySlot{
		{Slot: 0x10, Type: "TMK", Alg: "3DES", State: "loaded", KCV: "82e136", Method: "zero-block"},
		{Slot: 0x31, Type: "TDK", Alg: "AES-128", State: "empty"},
		{Slot: 0xff01, Type: "LINK", Alg: "AES-128", State: "loaded", Retained: true, Why: "reader-link"},
	}}
	d.tested = local.ReaderTest{Schema: local.Schema, Serial: serial, OK: true, Rounds: 20, Median: 400, Slowest: 900, Checks: []local.ReaderCheck{
		{Check: "identity", Result: local.CheckOK, Detail: serial},
		{Check: "round-trip", Result: local.CheckOK, Detail: "20 questions"},
	}}
	return d
}
