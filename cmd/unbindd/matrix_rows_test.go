package main

// What becomes of an unbinding with a pedlink reader under every fault that the simulated reader and its line know by
// name. The power cut after each of k slots, and the daemon killed at every step, are in kill_test.go.

// pedlinkLine are the faults of the line. With their rate each of them strikes many times in one unbinding; the
// conversation goes on as if nothing were.
var pedlinkLine = map[string]row{
	"burst":        noise("burst=0.0005", complete),
	"delay":        noise("delay=0.05", complete),
	"double-frame": noise("double-frame=0.3", complete),
	"drop-frame":   noise("drop-frame=0.03", complete),
	"duplicate":    noise("duplicate=0.001", complete),
	"echo":         noise("echo=0.3", complete),
	"flip":         noise("flip=0.001", complete),
	"garbage":      noise("garbage=0.3", complete),
	"glue":         noise("glue=0.3", complete),
	"lose":         noise("lose=0.001", complete),
	"split":        noise("split=0.3", complete),
	"stuck":        noise("stuck=3x", complete),
	"swap":         noise("swap=0.001", complete),
}

// pedlinkReader are the faults of the reader. "at erase" is the moment at which ERASE_COMMIT comes, behind the point of
// no return.
var pedlinkReader = map[string]row{
	// Faults of the conversation: repetition and asking again get over them, and nothing is erased twice. A second
	// COMMIT comes only where the reader has said that the first one was not carried out.
	"no-ack":             {tell: faults("no-ack"), end: complete},
	"late-ack":           {tell: faults("late-ack=8"), end: complete},
	"answers-twice":      {tell: faults("answers-twice"), end: complete},
	"wrong-seq":          {tell: faults("wrong-seq=20"), end: complete},
	"nak":                {tell: atErase("fault nak=4"), end: complete},
	"busy-forever":       {tell: atErase("fault busy-forever=1"), end: complete, commits: 2},
	"silent-after-ack":   {tell: atErase("fault silent-after-ack=1"), end: complete},
	"reboots":            {tell: atErase("fault reboots=1"), end: complete},
	"silent":             {tell: atErase("fault silent"), end: partial("missing")},
	"tamper-in-session":  {tell: atErase("fault tamper-in-session"), end: complete, commits: 2},
	"events-flood":       {tell: faults("events-flood=70"), end: complete, commits: 2},
	"mute-card":          elsewhere("no unbinding gives a card power", "device.TestMuteCardLeavesTheOutcomeOpen"),
	"wrong-lrc":          elsewhere("a frame of pedlink has no LRC", "device.TestCcidFaultsOfTheReader"),
	"asks-time":          elsewhere("pedlink asks for time by BUSY", "device.TestCcidFaultsOfTheReader"),
	"lacks":              {tell: faults("lacks=probe"), end: partial("unsupported")},
	"cut-before-journal": {tell: faults("cut-before-journal"), end: powerBack},
	"cut-after-journal":  {tell: faults("cut-after-journal"), end: powerBack},
	"cut-after":          {tell: faults("cut-after=5"), end: powerBack},
	"cut-before-answer":  {tell: faults("cut-before-answer"), end: powerBack},

	// Another reader in its place is never erased.
	"foreign":                   {tell: faults("foreign=PED-0009"), end: refusedThen(complete)},
	"other-serial-after-replug": {tell: append(faults("other-serial-after-replug=PED-0009"), atErase("unplug 200ms")...), end: partial("foreign")},

	// A reader that refuses, does half, too much, or lies: never "erased".
	"refuses":                {tell: faults("refuses"), end: partial("refused")},
	"erases-but-says-failed": {tell: faults("erases-but-says-failed"), end: complete},
	"half":                   {tell: faults("half"), end: partial("incomplete")},
	"erases-too-much":        {tell: faults("erases-too-much"), end: partial("unverified")},
	"replays-record":         {tell: faults("replays-record"), end: partial("unverified")},
	"lies-keeps":             {tell: faults("lies-keeps"), end: partial("incomplete")},
	"lies-hides-from-list":   {tell: faults("lies-hides-from-list"), end: partial("incomplete")},
	"lies-until-reboot":      {tell: faults("lies-until-reboot"), end: partial("unverified")},
	"ignores-reboot":         {tell: faults("ignores-reboot"), end: partial("unverified")},
}
