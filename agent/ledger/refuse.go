package ledger

import (
	"slices"
	"strings"
)

// RefusedError says why a record is not taken. It names the rule and nothing of
// the content. The rules: not-canonical, oversize, unknown-member,
// missing-member, duplicate-member, pan, track-data, cvv, pin-block, amount,
// currency, kind, entry, method, result, masked, time, evseq, seq, reader,
// code, id.
type RefusedError struct {
	Code string // "E25:" and the rule
}

// Error names the rule.
func (e *RefusedError) Error() string { return "cannot take the record: " + e.Code }

// codeLost stands for an event that the reader does not have any more.
const codeLost = "E25:lost"

func refuse(which string) error { return &RefusedError{Code: "E25:" + which} }

// forbidden lists the spellings of members that must never exist here, so that
// a refusal says what nearly got in.
var forbidden = map[string][]string{
	"track-data": {"track", "tracks", "track1", "track2", "track3", "trackdata", "track1data", "track2data",
		"track3data", "track2equivalent", "track2equivalentdata", "magstripe", "emvdata", "iccdata"},
	"cvv": {"cvv", "cvv2", "cvc", "cvc2", "cvn", "cvn2", "cav", "cav2", "cid", "csc", "securitycode"},
	"pin-block": {"pin", "pinblock", "pindata", "encryptedpin", "encryptedpinblock", "epb", "pinoffset",
		"pvv", "arqc"},
	"pan": {"pan", "fpan", "dpan", "cardno", "cardnumber", "cardnum", "accountnumber", "acctno",
		"primaryaccountnumber", "account"},
}

// forbiddenName names the rule that a member outside the allow-list breaks.
func forbiddenName(name string) string {
	plain := strings.Map(func(c rune) rune {
		if c == '-' || c == '_' || c == '.' || c == ' ' {
			return -1
		}
		return c
	}, strings.ToLower(name))
	for which, names := range forbidden {
		if slices.Contains(names, plain) {
			return which
		}
	}
	return "unknown-member"
}

// holdsPAN reports whether a value looks like a full card number: 13 to 19
// digits in a row, spaces and dashes not counting, that pass the Luhn check
// (ISO/IEC 7812-1 annex B); or a value of 15 to 19 digits and nothing else,
// because not every card passes. Two members are long numbers by nature. The
// reader's serial is compared with the paired reader's and cannot carry
// anything else. A merchant id of 15 digits is what acquirers give out; it is
// only suspected if it could be a card of that length.
func holdsPAN(member, value string) bool {
	switch member {
	case "reader":
		return false
	case "mid":
		if len(value) == 15 && allDigits(value) {
			return couldBeCard15(value)
		}
	}
	if len(value) >= 15 && len(value) <= 19 && allDigits(value) {
		return true
	}
	digits := make([]byte, 0, 20)
	for i := range len(value) + 1 {
		if i < len(value) && (value[i] == ' ' || value[i] == '-') {
			continue
		}
		if i < len(value) && value[i] >= '0' && value[i] <= '9' {
			digits = append(digits, value[i])
			continue
		}
		if len(digits) >= 13 && len(digits) <= 19 && luhn(string(digits)) {
			return true
		}
		digits = digits[:0]
	}
	return false
}

// couldBeCard15 knows the issuer prefixes of 15-digit cards.
func couldBeCard15(number string) bool {
	for _, prefix := range []string{"34", "37", "1800", "2131"} {
		if strings.HasPrefix(number, prefix) {
			return luhn(number)
		}
	}
	return false
}

func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func oneOf(names []string) func(string) bool {
	return func(s string) bool { return slices.Contains(names, s) }
}

func isKind(s string) bool {
	return slices.Contains(transactionKinds, s) || slices.Contains(eventKinds, s) || s == kindRefused
}

// isID is the house's class of identifiers.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("._:/@+-", rune(c)) {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

// isMasked takes six digits, stars, four digits, as long as a card number.
func isMasked(s string) bool {
	if len(s) < 13 || len(s) > 19 {
		return false
	}
	stars := s[6 : len(s)-4]
	return allDigits(s[:6]) && allDigits(s[len(s)-4:]) && strings.Trim(stars, "*") == ""
}
