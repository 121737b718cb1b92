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
	"stuck":        noise("stuck=3x", mposEnds("erased")),

	// The check byte never sees that two bytes changed places. Such an answer may speak of another key, and then the
	// case must not end as if nothing were; that it is not called erased unless it is, is held with every row.
	"swap": noise("swap=0.00002", mposEnds("erased", "incomplete", "refused", "unverified")),
}

// mposReader are the faults of the reader. "at erase" is the moment of the first DELETE of a key.
var mposReader = map[string]row{
	"no-ack":            {tell: faults("no-ack=20"), end: mposEnds("erased")},
	"late-ack":          {tell: faults("late-ack=8"), end: mposEnds("erased")},
	"answers-twice":     {tell: faults("answers-twice"), end: mposEnds("erased")},
	"wrong-seq":         {tell: faults("wrong-seq=20"), end: mposEnds("erased")},
	"nak":               {tell: faults("nak=4"), end: mposEnds("erased")},
	"busy-forever":      {tell: atErase("fault busy-forever=1"), end: mposEnds("erased")},
	"silent-after-ack":  {tell: atErase("fault silent-after-ack=1"), end: mposEnds("erased")},
	"reboots":           {tell: atErase("fault reboots=1"), end: mposEnds("erased")},
	"silent":            {tell: atErase("fault silent"), end: mposEnds("missing")},
	"tamper-in-session": {tell: atErase("fault tamper-in-session"), end: mposEnds("erased")},

	"events-flood":   elsewhere("mpos has no events", "TestMatrix/pedlink"),
	"replays-record": elsewhere("mpos has no record", "TestMatrix/pedlink"),
	"lacks":          elsewhere("an mpos reader does not tell what it can", "TestMatrix/pedlink"),
	"mute-card":      elsewhere("mpos gives no card power", "device.TestMuteCardLeavesTheOutcomeOpen"),
	"wrong-lrc":      elsewhere("ccid's; a wrong LRC of mpos is what flip and burst make", "device.TestCcidFaultsOfTheReader"),
	"asks-time":      elsewhere("mpos knows no request for more time", "device.TestCcidFaultsOfTheReader"),

	// There is no journal: what the power took away is found out by asking, and the rest is deleted.
	"cut-before-journal": {tell: faults("cut-before-journal"), end: mposPowerBack(0)},
	"cut-after-journal":  {tell: faults("cut-after-journal"), end: mposPowerBack(0)},
	"cut-after":          {tell: faults("cut-after=5"), end: mposPowerBack(5)},
	"cut-before-answer":  {tell: faults("cut-before-answer"), end: mposPowerBack(1)},

	"foreign":                   {tell: faults("foreign=PED-0009"), end: refusedThen(mposEnds("erased"))},
	"other-serial-after-replug": {tell: append(faults("other-serial-after-replug=PED-0009"), atErase("unplug 200ms")...), end: mposEnds("foreign")},

	"refuses":                {tell: faults("refuses"), end: mposEnds("refused")},
	"erases-but-says-failed": {tell: faults("erases-but-says-failed"), end: mposEnds("erased")},
	"half":                   {tell: faults("half"), end: mposEnds("incomplete")},
	"erases-too-much":        {tell: faults("erases-too-much"), end: mposEnds("unverified")},
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
		rows[name] = row{tell: faults(name), end: mposPowerBack(k)}
	}
	return rows
}
