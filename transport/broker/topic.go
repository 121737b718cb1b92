package broker

import "strings"

// The topics of a terminal. A terminal may read and write below t/<its id> and
// nothing else; who shows the broker no certificate, below r/ and nothing else.
const (
	knownRoot = "t/"
	openRoot  = "r/"
	upEnd     = "/up"
	downEnd   = "/down"
	bellEnd   = "/bell"
)

// escape makes one level of a topic of an id: the only signs of an id that mean
// something else in a topic are written as in a URL.
var escape = strings.NewReplacer("/", "%2F", "+", "%2B")

// unescape is its inverse; no id holds a percent sign.
var unescape = strings.NewReplacer("%2F", "/", "%2B", "+")

// BellTopic is where a terminal's doorbell rings.
func BellTopic(terminal string) string { return knownRoot + escape.Replace(terminal) + bellEnd }

// speaker is who a topic belongs to, and whether it is one for who shows no
// certificate.
func speaker(topic string) (terminal string, open, ok bool) {
	rest, open := strings.CutPrefix(topic, openRoot)
	if !open {
		if rest, ok = strings.CutPrefix(topic, knownRoot); !ok {
			return "", false, false
		}
	}
	name, ok := strings.CutSuffix(rest, upEnd)
	return unescape.Replace(name), open, ok && name != "" && !strings.Contains(name, "/")
}

func root(open bool) string {
	if open {
		return openRoot
	}
	return knownRoot
}
