package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const preface = `# Fuzzing

Written by ` + "`make fuzz-long`" + `; nothing here is edited by hand. The decoders that read bytes from outside are
given inputs by Go's fuzzer: random, and bred from its seeds (` + "`testdata/fuzz/<target>`" + ` beside the code) by what
they reach. A target does not only ask for no crash: what is accepted must give its own bytes back, or stay
within its bounds, or carry a signature that was really made; each says which at its place. Without a target of their own are what the
kernel tells in /sys, the rows of the journal's and the desk's own databases, a card's answer to PPS, and
the parting of a bundle into the objects that are read below.

What a row says was measured at the commit it names, with one worker at the lowest priority. *Time* is what the
fuzzer ran, all rounds together; *processor* is what it got of a processor in that time, since other work may have
run beside it. *New* is how many inputs it found that reach something the seeds do not, counting those of earlier
runs. *Statements* are those of the functions that decode (named in ` + "`scripts/fuzz/decoders.go`" + `), in percent: reached
by the committed seeds, and by the seeds together with what was found. What lies behind a signature is reached by
the targets that make one (` + "`FuzzSigned`" + `) and by no others. A finding stays among the seeds of its target; when it is
mended, its row begins anew at the commit that mended it. A row that was not measured again is taken over from the page
before, with the commit and the day that it names; the sum of statements is over the others.
`

// write makes the page anew from all that is known, or leaves the old one.
func (f *fuzz) write(targets []target) error {
	var err error
	if f.known, err = readState(); err != nil || len(f.known) == 0 {
		return err
	}
	if f.kept, err = keptRows(f.page); err != nil {
		return err
	}
	next := f.page + ".new"
	if err := os.WriteFile(next, f.text(targets), 0o644); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	if err := os.Rename(next, f.page); err != nil {
		return errors.Join(fmt.Errorf("cannot write the page: %w", err), os.Remove(next))
	}
	return nil
}

func (f *fuzz) text(targets []target) []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	fmt.Fprintf(&b, "\n|  |  |\n|---|---|\n| command | `make fuzz-long`, or `go run ./scripts/fuzz -time 10m -only REGEXP` |\n| machine | %s |\n| Go | %s %s/%s |\n",
		machine(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	b.WriteString(f.sum(targets))
	b.WriteString("\n| target | reads | commit, day | time | processor | executions | a second of processor | findings | seeds | new | statements |\n|" + strings.Repeat("---|", 11) + "\n")
	for _, t := range targets {
		if r, ok := f.known[t.String()]; ok {
			b.WriteString(r.row(t))
		} else if kept, ok := f.kept[t.String()]; ok {
			b.WriteString(kept.text)
		} else {
			fmt.Fprintf(&b, "| %s `%s` | %s | not run | | | | | | | | |\n", t.dir, t.name, decoders[t.String()].reads)
		}
	}
	return b.Bytes()
}

// sum is the page's last lines about all targets together.
func (f *fuzz) sum(targets []target) string {
	var all result
	ran, counted, findings := 0, 0, 0
	for _, t := range targets {
		r, ok := f.known[t.String()]
		if !ok {
			if kept, ok := f.kept[t.String()]; ok {
				ran++
				all.Time += kept.time
				all.CPU += kept.cpu
				all.Executions += kept.executions
				findings += kept.findings
			}
			continue
		}
		ran++
		counted++
		all.Time += r.Time
		all.CPU += r.CPU
		all.Executions += r.Executions
		all.Findings = append(all.Findings, r.Findings...)
		all.Reached += r.Reached
		all.Statements += r.Statements
	}
	return fmt.Sprintf("| targets | %d, of them run %d |\n| all together | %s, on a processor %s, %s executions, %d findings |\n| statements of the decoders, added up over %d of the targets | %s percent |\n",
		len(targets), ran, round(all.Time), round(all.CPU), thousands(all.Executions), len(all.Findings)+findings, counted, share(all.Reached, all.Statements))
}

func (r result) row(t target) string {
	second := "-"
	if r.CPU >= time.Second {
		second = thousands(int64(float64(r.Executions) / r.CPU.Seconds()))
	}
	findings := "none"
	if len(r.Findings) > 0 {
		findings = strings.Join(r.Findings, ", ")
	}
	return fmt.Sprintf("| %s `%s` | %s | %s, %s | %s | %s | %s | %s | %s | %d | %d | %s -> %s |\n", t.dir, t.name, decoders[t.String()].reads,
		r.Commit, r.Day, round(r.Time), round(r.CPU), thousands(r.Executions), second, findings, r.Seeds, r.Inputs,
		share(r.BySeeds, r.Statements), share(r.Reached, r.Statements))
}

func round(d time.Duration) string { return d.Round(time.Second).String() }

func share(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", 100*float64(part)/float64(whole))
}

var thousand = regexp.MustCompile(`(\d)(\d{3})($|,)`)

// thousands writes 1234567 as 1,234,567.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for {
		next := thousand.ReplaceAllString(text, "$1,$2$3")
		if next == text {
			return text
		}
		text = next
	}
}

// machine is the processor's name and how many there are.
func machine() string {
	name := "processor unknown"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d seen by the system", name, runtime.NumCPU())
}
