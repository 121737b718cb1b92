package main

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// shownChallenge takes a challenge as the terminal shows it,
// UBC1/terminal/epoch/seq/trust/challenge/check, and returns the challenge
// alone. The check digits and the terminal must fit; a text of another form is
// taken as the challenge itself.
func shownChallenge(text, terminal string) (string, error) {
	if !strings.HasPrefix(text, "UBC1/") {
		return text, nil
	}
	parts := strings.Split(text, "/")
	if len(parts) != 7 {
		return "", misuse("cannot use --challenge: it is not whole")
	}
	sum := sha256.Sum256([]byte(strings.Join(parts[:6], "/")))
	if hex.EncodeToString(sum[:2]) != parts[6] {
		return "", misuse("cannot use --challenge: its check digits do not fit, it was misread")
	}
	if parts[1] != terminal {
		return "", misuse("cannot use --challenge: it is terminal %s's", parts[1])
	}
	return parts[5], nil
}
