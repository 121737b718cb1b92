package main

import (
	"fmt"
)

// What becomes of an unbinding with a pedlink reader under every fault that the simulated reader and its line know by
// name, and with the power cut after each of its slots. The daemon killed at every step is in kill_test.go.

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
	"stuck":        {line: "stuck=3x,way=in", erase: true, end: complete, waits: stuckThrice},
	"swap":         noise("swap=0.001", complete),
}

// pedlinkReader are the faults of the reader. "at erase" is the moment at which ERASE_COMMIT comes, behind the point of
// no return.
var pedlinkReader = map[string]row{
	// Faults of the conversation: repetition and asking again get over them, and nothing is erased twice. A second
	// COMMIT comes only where the reader has said that the first one was not carried out.
	"no-ack":            {tell: faults("no-ack"), end: complete, waits: noAck},
	"late-ack":          {tell: andAtErase("late-ack=8", "late-ack=4"), end: complete},
	"answers-twice":     {tell: faults("answers-twice"), end: complete},
	"wrong-seq":         {tell: andAtErase("wrong-seq=20", "wrong-seq=4"), end: complete},
	"nak":               {tell: atErase("fault nak=4"), end: complete},
	"busy-forever":      {tell: atErase("fault busy-forever=1"), end: complete, orders: exactly(2), waits: mostBusy + 3*tAck + lost(1)},
	"silent-after-ack":  {tell: atErase("fault silent-after-ack=1"), end: complete, waits: 3*(tAck+tResponse) + lost(1)},
	"reboots":           {tell: atErase("fault reboots=1"), end: complete, waits: lost(1)},
	"silent":            {tell: atErase("fault silent"), end: partial("missing"), waits: lost(5)},
	"tamper-in-session": {tell: atErase("fault tamper-in-session"), end: complete, orders: exactly(2)},
	"events-flood":      {tell: faults("events-flood=70"), end: complete, orders: exactly(2)},
	// An event comes with COMMIT, is announced, and never sent: the host waits for it so often, and then goes on.
	"withholds-events": {tell: append(faults("withholds-events"), atErase("event battery")...), end: partial("missing"), loose: true, full: true, waits: 12*tResponse + lost(12)},
	"mute-card":        elsewhere("no unbinding gives a card power", "device.TestMuteCardLeavesTheOutcomeOpen"),
	"wrong-lrc":        elsewhere("a frame of pedlink has no LRC", "device.TestCcidFaultsOfTheReader"),
	"asks-time":        elsewhere("pedlink asks for time by BUSY", "device.TestCcidFaultsOfTheReader"),
	// It tells so when it is connected anew; pedlinkMore has others.
	"lacks":              {tell: append(faults("lacks=probe"), "reboot"), end: partial("unsupported"), orders: exactly(0)},
	"cut-before-journal": {tell: faults("cut-before-journal"), end: powerBack, waits: lost(5)},
	"cut-after-journal":  {tell: faults("cut-after-journal"), end: powerBack, orders: exactly(0), waits: lost(5)},
	"cut-after":          {tell: faults("cut-after=5"), end: powerBack, orders: exactly(0), waits: lost(5)},
	"cut-before-answer":  {tell: faults("cut-before-answer"), end: powerBack, orders: exactly(0), waits: lost(5)},

	// Another reader in its place is never erased.
	"foreign":                   {tell: faults("foreign=PED-0009"), end: refusedThen(complete), early: true},
	"other-serial-after-replug": {tell: append(faults("other-serial-after-replug=PED-0009"), atErase("unplug 200ms")...), end: partial("foreign"), waits: lost(3)},

	// A reader that refuses, does half, too much, or lies: never "erased".
	"refuses":                {tell: faults("refuses"), end: partial("refused")},
	"erases-but-says-failed": {tell: faults("erases-but-says-failed"), end: complete},
	"erases-without-record":  {tell: faults("erases-without-record"), end: partial("unverified")},
	"half":                   {tell: faults("half"), end: partial("incomplete")},
	"erases-too-much":        {tell: faults("erases-too-much"), end: partial("unverified")},
	"replays-record":         {tell: faults("replays-record"), end: partial("unverified")},
	"lies-keeps":             {tell: faults("lies-keeps"), end: partial("incomplete")},
	"lies-hides-from-list":   {tell: faults("lies-hides-from-list"), end: partial("incomplete")},
	"lies-until-reboot":      {tell: faults("lies-until-reboot"), end: partial("unverified")},
	"ignores-reboot":         {tell: faults("ignores-reboot"), end: partial("unverified")},
}

// pedlinkKeys is how many keys a new pedlink reader has that an unbinding erases.
const pedlinkKeys = 8

// pedlinkMore takes the power after each of the keys, of which `go test` without MATRIX_SEEDS takes the ends; and makes
// poorer readers, which tell so when they are connected anew.
func pedlinkMore() map[string]row {
	rows := map[string]row{
		"lacks=restart":  {tell: append(faults("lacks=restart"), "reboot"), end: completeWithout("restart")},
		"lacks=revision": {tell: append(faults("lacks=revision"), "reboot"), end: complete}, // an older reader
	}
	for k := range pedlinkKeys + 1 {
		if quickMatrix() && k != 0 && k != pedlinkKeys {
			continue
		}
		name := fmt.Sprintf("cut-after=%d", k)
		rows[name] = row{tell: faults(name), end: powerBack, orders: exactly(0), waits: lost(5)}
	}
	return rows
}
