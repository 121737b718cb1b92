package hook

import (
	"strings"
	"testing"
	"time"
)

const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

func TestPartners(t *testing.T) {
	for text, ok := range map[string]bool{
		`[]`: true,
		`[{"name":"a","secret":"` + secret + `","url":"https://p.example/hook"}]`:                    true,
		`[{"name":"a","secret":"` + secret + `","url":"https://u:p@p.example/"}]`:                    false,
		`[{"name":"a","secret":"` + secret + `","url":"file:///etc/passwd"}]`:                        false,
		`[{"name":"a","secret":"AAAA","url":"https://p.example/"}]`:                                  false,
		`[{"name":"A b","secret":"` + secret + `","url":"https://p.example/"}]`:                      false,
		`[{"name":"a","secret":"` + secret + `","url":"https://p.example/","more":1}]`:               false,
		strings.Repeat(`[{"name":"a","secret":"`+secret+`","url":"https://p.example/"},`, 1) + `{}]`: false,
	} {
		if _, err := ParsePartners([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		} else if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// HMAC-SHA256
// over id.time.body, as openssl makes it:
// printf 'm-1.1700000000.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00 -binary | base64
func TestSignature(t *testing.T) {
	if got, want := Signature([]byte{0}, "m-1", "1700000000", []byte("{}")), "I8pb4Nbq7y8YvMj4xeyCB1/gffIBDy4nqKLVpdHJu7o="; got != want {
		t.Fatalf("the signature is %s, want %s", got, want)
	}
}

// Pauses grow up to an hour, and there is never none.
func TestPauses(t *testing.T) {
	for attempts, most := range map[int64]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 5: 80 * time.Second, 12: time.Hour, 1 << 40: time.Hour} {
		for range 200 {
			if got := time.Duration(pause(attempts)) * time.Second; got < time.Second || got > most+time.Second {
				t.Fatalf("after %d attempts it pauses %v", attempts, got)
			}
		}
	}
}

func FuzzPartners(f *testing.F) {
	f.Add([]byte(`[{"name":"a","secret":"` + secret + `","url":"https://p.example/hook"}]`))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := ParsePartners(text)
		for _, p := range list {
			if err == nil && (len(p.Secret.Reveal()) < 24 || p.Name == "") {
				t.Fatalf("partner %q passes", p.Name)
			}
		}
	})
}
