package console

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What stands on what: every colour of text with every ground it may lie on.
var written = map[string][]string{
	"ink": {"paper", "sheet"}, "soft": {"paper", "sheet"}, "link": {"paper", "sheet"},
	"onpress": {"press"}, "onrisk": {"risk"}, "good": {"goodbed", "sheet"}, "moves": {"movesbed", "sheet"},
	"waits": {"waitsbed"}, "bad": {"badbed"}, "ended": {"endedbed"},
}

// What is seen beside what, and is no text: the ring around what has the focus, the
// edge of a field.
var drawn = map[string][]string{"focus": {"paper", "sheet"}, "edge": {"paper", "sheet"}, "press": {"paper", "sheet"}, "risk": {"sheet"}}

func TestContrast(t *testing.T) {
	text, err := assets.ReadFile("assets/console.css")
	if err != nil {
		t.Fatal(err)
	}
	css := string(text)
	day, night, found := strings.Cut(css, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	night, _, _ = strings.Cut(night, "\n}\n")
	for scheme, part := range map[string]string{"light": day, "dark": night} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6});`).FindAllStringSubmatch(part, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for least, pairs := range map[float64]map[string][]string{4.5: written, 3: drawn} {
			for over, grounds := range pairs {
				for _, under := range grounds {
					a, ok := colours[over]
					b, ok2 := colours[under]
					if got := contrast(a, b); !ok || !ok2 || got < least {
						t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", scheme, over, under, got, least)
					}
				}
			}
		}
	}
	// No colour but those above, so that none escapes the look.
	rules := css[strings.LastIndex(css, "--focus"):]
	for _, m := range regexp.MustCompile(`(?:^|[;{\s])color:\s*([^;}]+)`).FindAllStringSubmatch(rules, -1) {
		name := strings.TrimSuffix(strings.TrimPrefix(m[1], "var(--"), ")")
		if written[name] == nil {
			t.Errorf("text is written in %s, which no pair names", m[1])
		}
	}
	if m := regexp.MustCompile(`#[0-9a-fA-F]{3,8}|rgba?\(|opacity`).FindString(rules); m != "" {
		t.Errorf("a rule names a colour of its own: %s", m)
	}
	if !strings.Contains(css, ":focus-visible { outline: 3px solid var(--focus)") || strings.Contains(strings.ReplaceAll(css, "main:focus { outline: none; }", ""), "outline: none") {
		t.Error("what has the focus is not seen")
	}
}

func TestContrastIsWhatTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{{"000000", "ffffff", 21}, {"ffffff", "ffffff", 1}, {"777777", "ffffff", 4.48}, {"767676", "ffffff", 4.54}} {
		if got := contrast(luminance(t, c.a), luminance(t, c.b)); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%s on %s has %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// luminance is the relative luminance of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
