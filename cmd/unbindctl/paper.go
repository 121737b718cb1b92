package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"unbindd/agent/envelope"
)

// paper is a stream that is written in one language. It remembers the first
// error, so that a full disk behind a pipe does not pass for success.
type paper struct {
	to   io.Writer
	lang envelope.Language
	err  error
}

// Write passes bytes on as they are; cobra writes its help here.
func (p *paper) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	if err != nil && p.err == nil {
		p.err = err
	}
	return n, err
}

func (p *paper) failed() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("cannot write the output: %w", p.err)
}

func (p *paper) in(w words) string { return w.in(p.lang) }

// line writes one line in the language of the paper.
func (p *paper) line(w words, args ...any) { p.plain(p.in(w), args...) }

// plain writes one line. Control characters are taken out: a text from a file
// or from the daemon must not steer the terminal it is shown on.
func (p *paper) plain(format string, args ...any) {
	p.raw(tame(fmt.Sprintf(format, args...)) + "\n")
}

// raw writes text as it is; the first failure is kept by Write.
func (p *paper) raw(s string) { _, _ = io.WriteString(p, s) }

// row writes a label in a column of its own, then the text.
func (p *paper) row(label words, format string, args ...any) {
	p.plain("%s  %s", pad(p.in(label), 10), fmt.Sprintf(format, args...))
}

// json writes v as indented JSON.
func (p *paper) json(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write the answer as JSON: %w", err)
	}
	p.raw(string(text) + "\n")
	return nil
}

func tame(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// width is how many columns a text takes: East Asian characters take two.
func width(s string) int {
	n := 0
	for _, r := range s {
		n++
		if wide(r) {
			n++
		}
	}
	return n
}

func wide(r rune) bool {
	return r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
		r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 ||
		r >= 0xffe0 && r <= 0xffe6 || r >= 0x20000 && r <= 0x3fffd
}

// pad fills a text to so many columns.
func pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-width(s)))
}

// cut shortens a text to so many columns.
func cut(s string, columns int) string {
	n := 0
	for i, r := range s {
		n += width(string(r))
		if n > columns {
			return s[:i]
		}
	}
	return s
}
