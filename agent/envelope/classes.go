package envelope

import (
	"fmt"
	"regexp"
	"strings"
)

// The string classes of signed payloads. Each type refuses a foreign string
// when it is encoded and when it is decoded, so that no free text can stand in
// anything that is signed to order an act.

// ID is a name: [A-Za-z0-9._:/@+-]{1,64}.
type ID string

// Digest is "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// KeyID is the algorithm, a colon and 16 hexadecimal digits: the first 8 bytes
// of the SHA-256 of the raw public key. It is a hint, never an authority.
type KeyID string

// Masked is a card number of which six leading and four trailing digits are left.
type Masked string

// Recipient is an age recipient, at most 4,096 characters.
type Recipient string

// The three classes that stand in everything are looked at byte by byte: a
// certificate has some forty of them, and an expression takes microseconds for each.
var (
	idForm        = func(s string) bool { return len(s) >= 1 && len(s) <= 64 && all(s, inID) }
	digestForm    = func(s string) bool { return len(s) == len("sha256:")+64 && s[:7] == "sha256:" && all(s[7:], inHex) }
	keyIDForm     = func(s string) bool { return keyIDOf(s, "ed25519:") || keyIDOf(s, "sm2:") }
	maskedForm    = regexp.MustCompile(`^[0-9]{6}\*+[0-9]{4}$`).MatchString
	recipientForm = regexp.MustCompile(`^age1[0-9a-z]+$`).MatchString
)

// The bytes of a class.
var (
	inHex = bytesOf("0123456789abcdef")
	inID  = bytesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-")
)

func bytesOf(some string) *[256]bool {
	var in [256]bool
	for i := range len(some) {
		in[some[i]] = true
	}
	return &in
}

func all(s string, in *[256]bool) bool {
	for i := range len(s) {
		if !in[s[i]] {
			return false
		}
	}
	return true
}

func keyIDOf(s, alg string) bool {
	return len(s) == len(alg)+16 && s[:len(alg)] == alg && all(s[len(alg):], inHex)
}

// maxText is the most characters of any of these strings.
const maxText = 4096

func checked(class string, form func(string) bool, s string) ([]byte, error) {
	if len(s) > maxText || !form(s) {
		return nil, fmt.Errorf("cannot take a string as %s: it is not of that class", class)
	}
	return []byte(s), nil
}

// Valid says whether the id is of its class.
func (s ID) Valid() bool { return idForm(string(s)) }

// MarshalText refuses a string that is no id.
func (s ID) MarshalText() ([]byte, error) { return checked("an id", idForm, string(s)) }

// UnmarshalText refuses a string that is no id.
func (s *ID) UnmarshalText(b []byte) error { return take(s, b, "an id", idForm) }

// Valid says whether the digest is of its class.
func (s Digest) Valid() bool { return digestForm(string(s)) }

// Hex returns the 64 digits without the algorithm.
func (s Digest) Hex() string { return strings.TrimPrefix(string(s), "sha256:") }

// MarshalText refuses a string that is no digest.
func (s Digest) MarshalText() ([]byte, error) { return checked("a digest", digestForm, string(s)) }

// UnmarshalText refuses a string that is no digest.
func (s *Digest) UnmarshalText(b []byte) error { return take(s, b, "a digest", digestForm) }

// MarshalText refuses a string that is no key id.
func (s KeyID) MarshalText() ([]byte, error) { return checked("a key id", keyIDForm, string(s)) }

// UnmarshalText refuses a string that is no key id.
func (s *KeyID) UnmarshalText(b []byte) error { return take(s, b, "a key id", keyIDForm) }

// MarshalText refuses a string that is no masked card number.
func (s Masked) MarshalText() ([]byte, error) { return checked("masked", maskedForm, string(s)) }

// UnmarshalText refuses a string that is no masked card number.
func (s *Masked) UnmarshalText(b []byte) error { return take(s, b, "masked", maskedForm) }

// MarshalText refuses a string that is no age recipient.
func (s Recipient) MarshalText() ([]byte, error) {
	return checked("a recipient", recipientForm, string(s))
}

// UnmarshalText refuses a string that is no age recipient.
func (s *Recipient) UnmarshalText(b []byte) error { return take(s, b, "a recipient", recipientForm) }

func take[T ~string](to *T, b []byte, class string, form func(string) bool) error {
	if _, err := checked(class, form, string(b)); err != nil {
		return err
	}
	*to = T(b)
	return nil
}
