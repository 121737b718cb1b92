package main

import (
	"fmt"
	"os"
)

// What becomes of an unbinding with an mpos reader. Nothing on its line is authenticated and its check byte does not see
// every damage, so what is demanded of a noisy line is first of all the truth.

// mposLine are the faults of the line. An unbinding puts several thousand questions, one by one, so the rates are lower
// than with pedlink.
var mposLine = map[string]row{
	"burst":        noise("burst=0.00005", mposEnds("erased")),
	"delay":        noise("delay=0.002", mposEnds("erased")),
	"double-frame": noise("double-frame=0.3", mposEnds("erased")),
	"drop-frame":   noise("drop-frame=0.001", mposEnds("erased")),
	"duplicate":    noise("duplicate=0.00005", mposEnds("erased")),
	"echo":         noise("echo=0.3", mposEnds("erased")),
	"flip":         noise("flip=0.00005", mposEnds("erased")),
	"garbage":      noise("garbage=0.02", mposEnds("erased")),
	"glue":         elsewhere("each answer waits for a question, so there is nothing to glue it to", "device/devicesim.TestGlueSplitAndEcho"),
	"lose":         noise("lose=0.00005", mposEnds("erased")),
	"split":        noise("split=0.05", mposEnds("erased")),
	"stuck":        {line: "stuck=3x,way=in", erase: true, end: mposEnds("erased"), waits: stuckThrice},

	// The check byte never sees that two bytes changed places. Such an answer may speak of another key, and then the
	// case must not end as if nothing were; that it is not called erased unless it is, is held with every row.
	"swap": {line: "swap=0.00002", end: mposEnds("erased", "incomplete", "refused", "unverified"), loose: true, waits: lost(noisyLosses)},
}

// mposReader are the faults of the reader. "at erase" is the moment of the first DELETE of a key.
var mposReader = map[string]row{
	"no-ack":           {tell: andAtErase("no-ack=20", "no-ack=4"), end: mposEnds("erased")},
	"late-ack":         {tell: andAtErase("late-ack=8", "late-ack=4"), end: mposEnds("erased")},
	"answers-twice":    {tell: faults("answers-twice"), end: mposEnds("erased")},
	"wrong-seq":        {tell: andAtErase("wrong-seq=20", "wrong-seq=4"), end: mposEnds("erased")},
	"nak":              {tell: andAtErase("nak=4", "nak=2"), end: mposEnds("erased")},
	"busy-forever":     {tell: atErase("fault busy-forever=1"), end: mposEnds("erased"), orders: exactly(mposKeys + 1)},
	"silent-after-ack": {tell: atErase("fault silent-after-ack=1"), end: mposEnds("erased")},
	// The answer to the first DELETE dies with the restart, and the reader forgets that it carried the request out: the
	// link sends the same bytes again, and they name an empty slot.
	"reboots":           {tell: atErase("fault reboots=1"), end: mposEnds("erased"), orders: exactly(mposKeys + 1), empties: 1},
	"silent":            {tell: atErase("fault silent"), end: mposEnds("missing"), orders: exactly(1), waits: lost(5)},
	"tamper-in-session": {tell: atErase("fault tamper-in-session"), end: mposEnds("erased"), empties: mposKeys},

	"events-flood":          elsewhere("mpos has no events", "TestMatrix/pedlink"),
	"replays-record":        elsewhere("mpos has no record", "TestMatrix/pedlink"),
	"erases-without-record": elsewhere("mpos has no record", "TestMatrix/pedlink"),
	"withholds-events":      elsewhere("mpos has no events", "device/devicesim.TestWithheldEvents"),
	"lacks":                 elsewhere("an mpos reader does not tell what it can", "TestMatrix/pedlink"),
	"mute-card":             elsewhere("mpos gives no card power", "device.TestMuteCardLeavesTheOutcomeOpen"),
	"wrong-lrc":             elsewhere("ccid's; a wrong LRC of mpos is what flip and burst make", "device.TestCcidFaultsOfTheReader"),
	"asks-time":             elsewhere("mpos knows no request for more time", "device.TestCcidFaultsOfTheReader"),

	// There is no journal: what the power took away is found out by asking, and the rest is deleted.
	"cut-before-journal": {tell: faults("cut-before-journal"), end: mposPowerBack(0), waits: lost(5)},
	"cut-after-journal":  {tell: faults("cut-after-journal"), end: mposPowerBack(0), waits: lost(5)},
	"cut-after":          {tell: faults("cut-after=5"), end: mposPowerBack(5), orders: exactly(mposKeys - 5), waits: lost(5)},
	"cut-before-answer":  {tell: faults("cut-before-answer"), end: mposPowerBack(1), orders: exactly(mposKeys - 1), waits: lost(5)},

	"foreign":                   {tell: faults("foreign=PED-0009"), end: refusedThen(mposEnds("erased")), early: true},
	"other-serial-after-replug": {tell: append(faults("other-serial-after-replug=PED-0009"), atErase("unplug 200ms")...), end: mposEnds("foreign"), orders: exactly(1), waits: lost(3)},

	"refuses":                {tell: faults("refuses"), end: mposEnds("refused")},
	"erases-but-says-failed": {tell: faults("erases-but-says-failed"), end: mposEnds("erased")},
	"half":                   {tell: faults("half"), end: mposEnds("incomplete")},
	"erases-too-much":        {tell: faults("erases-too-much"), end: mposEnds("unverified"), empties: mposKeys - 1},
	"lies-keeps":             {tell: faults("lies-keeps"), end: mposEnds("incomplete")},
	"lies-hides-from-list":   {tell: faults("lies-hides-from-list"), end: mposEnds("incomplete")},
	"lies-until-reboot":      {tell: faults("lies-until-reboot"), end: mposEnds("unverified")},
	"ignores-reboot":         {tell: faults("ignores-reboot"), end: mposEnds("unverified")},
}

// mposKeys is how many keys a new mpos reader has that an unbinding erases.
const mposKeys = 12

// mposCuts take the power after each of the keys; without MATRIX_SEEDS only at the ends and in the middle, since the
// device's own test takes every one.
func mposCuts() map[string]row {
	rows := map[string]row{}
	for k := range mposKeys + 1 {
		if os.Getenv("MATRIX_SEEDS") == "" && k != 0 && k != mposKeys/2 && k != mposKeys {
			continue
		}
		name := fmt.Sprintf("cut-after=%d", k)
		rows[name] = row{tell: faults(name), end: mposPowerBack(k), orders: exactly(uint64(mposKeys - k)), waits: lost(5)}
	}
	return rows
}
