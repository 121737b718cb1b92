package devicesim

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Script is what happens to a reader one thing after the other, bound to what it counts and not to the time.
// docs/READERSIM.md describes its lines.
type Script struct{ lines []scriptLine }

// scriptLine is one line: something to wait for, or something to do, now or later.
type scriptLine struct {
	number   int
	wait     bool
	counter  counter // none: do it now
	count    uint64
	relative bool // counted from when the line is reached
	act      act
}

// act is a line of the control socket, cut up.
type act struct {
	text string
	verb string
	away time.Duration // of unplug
}

// ends says whether an act ends the conversation of the front.
func (a act) ends() bool { return slices.Contains([]string{"cut", "unplug", "reboot"}, a.verb) }

// counter names something that a reader counts since it was switched on.
type counter string

const (
	countCommands counter = "commands" // commands taken, each once
	countEvents   counter = "events"   // the highest event number that the host has acknowledged
	countErases   counter = "erases"   // commands that order an erase
)

var counters = []counter{countCommands, countEvents, countErases}

// ParseScript reads a script; an error names the line.
func ParseScript(r io.Reader) (Script, error) {
	var s Script
	text := bufio.NewScanner(r)
	for n := 1; text.Scan(); n++ {
		words, _, _ := strings.Cut(text.Text(), "#")
		words = strings.TrimSpace(words)
		if words == "" {
			continue
		}
		line, err := parseScriptLine(words)
		if err != nil {
			return Script{}, fmt.Errorf("cannot read script: line %d: %w", n, err)
		}
		line.number = n
		s.lines = append(s.lines, line)
	}
	if err := text.Err(); err != nil {
		return Script{}, fmt.Errorf("cannot read script: %w", err)
	}
	return s, nil
}

func parseScriptLine(text string) (scriptLine, error) {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "wait": // wait COUNTER N
		return parseWait(rest)
	case "at", "after":
		when, what, divided := strings.Cut(rest, ":")
		if !divided {
			return scriptLine{}, fmt.Errorf("%s has no colon", word)
		}
		line, err := parseWhen(word, strings.TrimSpace(when))
		if err == nil {
			line.act, err = parseAct(strings.TrimSpace(what))
		}
		return line, err
	}
	a, err := parseAct(text)
	return scriptLine{act: a}, err
}

func parseWait(rest string) (scriptLine, error) {
	name, number, _ := strings.Cut(rest, " ")
	line := scriptLine{wait: true, relative: true}
	return line, line.countTo(name, number)
}

// parseWhen reads "at COUNTER N", "at erase" or "after N COUNTER".
func parseWhen(word, when string) (line scriptLine, err error) {
	first, second, _ := strings.Cut(when, " ")
	switch {
	case word == "after":
		line.relative = true
		err = line.countTo(second, first)
	case when == "erase":
		err = line.countTo(string(countErases), "1")
	default:
		err = line.countTo(first, second)
	}
	return line, err
}

func (l *scriptLine) countTo(name, number string) (err error) {
	l.counter = counter(name)
	if !slices.Contains(counters, l.counter) {
		return fmt.Errorf("%q is not one of %s", name, counters)
	}
	if l.count, err = strconv.ParseUint(number, 10, 32); err != nil || l.count == 0 {
		return fmt.Errorf("%q is not a number from 1", number)
	}
	return nil
}

// parseAct takes a line of the control socket, and finds what can be found wrong with it before it is due.
func parseAct(text string) (a act, err error) {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	a = act{text: text, verb: word}
	if _, known := verbs[word]; !known {
		return act{}, fmt.Errorf("%q is no command", word)
	}
	switch word {
	case "fault":
		_, err = ParseFault(rest)
	case "line":
		_, err = ParseNoise(rest)
	case "unplug":
		a.away, err = parseAway(rest)
	case "generate", "lose":
		_, err = strconv.ParseUint(rest, 10, 31)
	case "sale", "sell":
		_, _, err = parseSale(rest)
	}
	return a, err
}
