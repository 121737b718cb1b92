package main

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quietZone is the light border around a code that scanners need, in modules.
// Source: ISO/IEC 18004, four modules.
const quietZone = 4

// The two shades of a code on a terminal. They are fixed, because a code that
// takes the theme's own shades is inverted on a light theme, and many scanners
// do not read that.
const (
	blackOnWhite = "\x1b[30;107m"
	plainAgain   = "\x1b[0m"
)

// qrLines draws a text as a QR code, two modules in one character. Fixed draws
// dark modules in black on white; otherwise light modules are drawn in the
// terminal's own foreground, which is right on a dark theme.
func qrLines(text string, fixed bool) ([]string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("cannot draw the QR code: %w", err)
	}
	var lines []string
	for y := -quietZone; y < code.Size+quietZone; y += 2 {
		var b strings.Builder
		for x := -quietZone; x < code.Size+quietZone; x++ {
			b.WriteString(halves(code.Black(x, y) == fixed, code.Black(x, y+1) == fixed))
		}
		line := b.String()
		if fixed {
			line = blackOnWhite + line + plainAgain
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// halves is the character whose upper and lower half are drawn or left out.
func halves(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}
