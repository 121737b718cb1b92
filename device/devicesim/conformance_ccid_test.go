package devicesim_test

import (
	"strings"
	"testing"

	"unbindd/device/devicesim"
)

// What published test keys of sixteen bytes 15, 11 and 25 answer as key check values.
const (
	kcv15 = "26 5A 7A"
	kcv11 = "82 E1 36"
	kcv25 = "C3 35 C9"
)

const (
	atrT0   = "3B 68 00 00 50 53 41 4D 2D 30 30 31"
	atrT1   = "3B 88 81 31 20 45 50 53 41 4D 2D 30 30 31 4E"
	atrFast = "3B 98 13 81 31 FE 45 50 53 41 4D 2D 30 30 31 93"
)

// colons is how opensc-tool writes bytes.
func colons(hex string) string { return strings.ToLower(strings.ReplaceAll(hex, " ", ":")) }

// bytesOf is n times the same byte, as scriptor reads and writes them.
func bytesOf(b string, n int) string { return strings.TrimSpace(strings.Repeat(b+" ", n)) }

func TestPCSCSpeaksT0WithATwin(t *testing.T) {
	const name = "GemPCTwin 00 00"
	p := newPCSC(t, devicesim.Options{Model: "GemPCTwin"})
	contains(t, p.run("opensc-tool", "-l"), "0    Yes", name)
	contains(t, p.run("opensc-tool", "-r", "0", "-a"), colons(atrT0))
	contains(t, p.run("opensc-tool", "-r", "0", "-c", "default", "-s", "0084000008", "-s", "00A4000C023F00", "-s", "80CA000103"),
		"SW1=0x90, SW2=0x00", "00 A4 00 0C", "SW1=0x90, SW2=0x00", "80 CA", "SW1=0x90, SW2=0x00", kcv15)
	contains(t, p.script(name,
		"80 D8 00 07 10 "+bytesOf("11", 16), "80 CA 00 07 03", "80 E4 00 07", "80 CA 00 07 03",
		"00 A4 00 00 02 3F 00", "00 C0 00 00 0C", "80 CA 00 01 05", "80 CB 00 00"),
		"Using T=0 protocol", "< 90 00", "< "+kcv11+" 90 00", "< 90 00", "< 6A 88",
		"< 61 0C", "< 6F 0A 84 08", "90 00", "< 6C 03", "< 6D 00")
	contains(t, p.run("pcsc_scan", "-n", "-t", "1"), name, "Card inserted", atrT0)
	p.wantSoundFrames()
}

func TestPCSCSpeaksT1WithATwin(t *testing.T) {
	const name = "GemPCTwin 00 00"
	p := newPCSC(t, devicesim.Options{Model: "GemPCTwin", Cards: []string{"t1"}})
	contains(t, p.run("opensc-tool", "-r", "0", "-a"), colons(atrT1))
	long := bytesOf("A5", 255)
	said := p.script(name, "80 CA 00 01 03", "80 EC 00 00 FF "+long+" 00", "80 EC 00 00 FF "+long+" 00", "80 E4 00 01", "80 CA 00 01 03")
	// scriptor breaks lines
	contains(t, strings.Join(strings.Fields(said), " "),
		"Using T=1 protocol", "< "+kcv15+" 90 00", "< "+long+" 90 00", "< "+long+" 90 00", "< 90 00", "< 6A 88")
	contains(t, p.run("pcsc_scan", "-n", "-t", "1"), name, "Card inserted", atrT1)
	contains(t, p.log.String(),
		"00 C1 01 FE 3E",          // the host takes blocks of 254
		"00 20 20 80 EC 00 00 FF", // the long command comes in pieces of 32
	)
	p.wantSoundFrames()
}

func TestPCSCSeesFiveSockets(t *testing.T) {
	p := newPCSC(t, devicesim.Options{Model: "GemCorePOSPro", Cards: []string{"t0", "t1", "t1-fast", "", "t1-slow"}})
	contains(t, p.run("opensc-tool", "-l"),
		"0    Yes", "GemCorePOSPro 00 00", "1    Yes", "00 01", "2    Yes", "00 02", "3    No", "00 03", "4    Yes", "00 04")
	for reader, atr := range map[string]string{"0": atrT0, "1": atrT1, "2": atrFast, "4": atrT1} {
		contains(t, p.run("opensc-tool", "-r", reader, "-a"), colons(atr))
	}
	// Each socket has a card with keys of its own.
	contains(t, p.script("GemCorePOSPro 00 02", "80 D8 00 01 10 "+bytesOf("25", 16), "80 CA 00 01 03"), "T=1", "< 90 00", "< "+kcv25+" 90 00")
	contains(t, p.script("GemCorePOSPro 00 04", "80 E4 00 01", "80 CA 00 01 03"), "T=1", "< 90 00", "< 6A 88")
	contains(t, p.script("GemCorePOSPro 00 01", "80 CA 00 01 03"), "T=1", "< "+kcv15+" 90 00")
	contains(t, p.script("GemCorePOSPro 00 00", "80 CA 00 01 03"), "T=0", "< "+kcv15+" 90 00")
	contains(t, p.run("pcsc_scan", "-n", "-t", "1"),
		"Reader 0", atrT0, "Reader 1", atrT1, "Reader 2", atrFast, "Reader 3", "Card removed", "Reader 4", atrT1)
	contains(t, p.log.String(), "Receiving confirm: FF 11 13 FD") // PPS
	contains(t, p.log.String(), "00 E3 01 01 E3")                 // more time was granted
	p.wantSoundFrames()
}

func TestPCSCNoticesThatACardIsMoved(t *testing.T) {
	p := newPCSC(t, devicesim.Options{Model: "GemPCTwin", Cards: []string{}})
	contains(t, p.run("opensc-tool", "-l"), "0    No", "GemPCTwin 00 00")
	must(t, p.sim.InsertCard(0, "t1"))
	p.says("Card inserted into GemPCTwin 00 00")
	contains(t, p.run("opensc-tool", "-r", "0", "-a"), colons(atrT1))
	must(t, p.sim.RemoveCard(0))
	p.says("Card Removed From GemPCTwin 00 00")
	contains(t, p.log.String(), "ReadSerial() Card inserted", "ReadSerial() Card removed") // told by the reader, not only asked
	p.wantSoundFrames()
}

// TestPCSCForgives are the faults that libccid lives with, docs/WIRE-CCID.md; others leave it waiting for minutes.
func TestPCSCForgives(t *testing.T) {
	for _, c := range []struct{ name, fault, sign string }{
		{"time requests", "asks-time=2", "time request: 0x82"},
		{"wrong check bytes", "wrong-lrc", "Wrong LRC"},
		{"a slow line", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := devicesim.Options{Model: "GemPCTwin"}
			if c.fault == "" {
				options.Pace = 10_000 // a millisecond for each byte
			} else {
				f, err := devicesim.ParseFault(c.fault)
				must(t, err)
				options.Faults = []devicesim.Fault{f}
			}
			p := newPCSC(t, options)
			contains(t, p.script("GemPCTwin 00 00", "80 CA 00 01 03"), "< "+kcv15+" 90 00")
			contains(t, p.log.String(), c.sign)
			if c.fault != "wrong-lrc" {
				p.wantSoundFrames()
			}
		})
	}
}
