package main

import (
	"fmt"
	"strings"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

// inWords says what an envelope orders, for the person about to sign it. It
// refuses what is not canonical, for two people would then read two things, and
// every kind that is not for people to sign.
func inWords(e *envelope.Envelope) (kind string, says []string, err error) {
	kinds := map[string]func(*envelope.Envelope) ([]string, error){
		"command": commandWords, "cancel": cancelWords, "amend": amendWords, "close": closeWords,
		"papers": papersWords, "campaign": campaignWords, "profile": profileWords, "trust": trustWords,
	}
	for kind, words := range kinds {
		if e.PayloadType == envelope.Type(kind) {
			says, err = words(e)
			return kind, says, err
		}
	}
	return "", nil, envelope.Refuse("E03", "", "cannot sign the envelope: its kind is not one that people sign")
}

func line(name, format string, args ...any) string {
	return fmt.Sprintf("%-11s ", name) + fmt.Sprintf(format, args...)
}

func commandWords(e *envelope.Envelope) ([]string, error) {
	var c command.Command
	if err := envelope.Decode(e.Payload, &c); err != nil {
		return nil, err
	}
	says := []string{
		line("order", "UNBIND terminal %s, for good: %s", c.Terminal, c.Action),
		line("case", "%s, number %d of enrolment %d, command id %s", c.Case, c.Seq, c.Epoch, c.ID),
		line("reason", "%s, profile %s", c.Reason, profileTag(c.Profile.ID, c.Root, c.Profile.Digest)),
		line("binding", "%s, device key %s", c.Binding, c.Device),
		line("erases", "%s, at level %s", joined(c.Scope), c.Level),
		line("backup", "%s, sealed for set %s", gateWords(c.Backup), c.Backup.Set),
		line("good", "from %s to %s, trust version %d", when(c.NotBefore), when(c.NotAfter), c.Root),
	}
	if c.Challenge != "" {
		says = append(says, line("challenge", "%s: the terminal's clock is not asked", c.Challenge))
	}
	says = append(says, unsettledWords(c.Exception)...)
	if c.Papers != "" {
		says = append(says, line("papers", "%s", c.Papers))
	}
	if c.Successor != nil {
		says = append(says, line("successor", "%s, device key %s", c.Successor.Terminal, c.Successor.Device))
	}
	if c.Relaxed() {
		says = append(says, line("ATTENTION", "keys and data may be erased WITHOUT a receipt of the desk; role release must sign too"))
	}
	return says, nil
}

func gateWords(b command.Backup) string {
	words := map[envelope.ID]string{
		command.GateReceipt: "nothing is erased before the desk's receipt",
		command.GateSealed:  "a sealed file on a courier medium is enough",
		command.GateNone:    "NO BACKUP at all",
	}[b.Gate]
	if words == "" {
		words = "unknown gate " + string(b.Gate)
	}
	if b.SealedAfter > 0 {
		words += fmt.Sprintf("; after %d hours a sealed file is enough", b.SealedAfter)
	}
	return words
}

func unsettledWords(sums []command.OpenSum) (says []string) {
	for _, s := range sums {
		says = append(says, line("unsettled", "%d transaction(s), %d minor units of %s may stay open", s.Count, s.Amount, s.Currency))
	}
	return says
}

func cancelWords(e *envelope.Envelope) ([]string, error) {
	var c command.Cancel
	err := envelope.Decode(e.Payload, &c)
	return []string{
		line("order", "CANCEL the unbinding of terminal %s", c.Terminal), line("case", "%s", c.Case), line("command", "%s", c.Command),
	}, err
}

func amendWords(e *envelope.Envelope) ([]string, error) {
	var a command.Amend
	err := envelope.Decode(e.Payload, &a)
	return append([]string{
		line("order", "AMEND the unbinding of terminal %s, number %d", a.Terminal, a.N),
		line("allows", "%s", joined(a.Allow)), line("case", "%s", a.Case), line("command", "%s", a.Command),
	}, unsettledWords(a.Exception)...), err
}

func closeWords(e *envelope.Envelope) ([]string, error) {
	var c command.Close
	err := envelope.Decode(e.Payload, &c)
	return []string{
		line("order", "CLOSE the case of terminal %s without the desk's receipt for a complete erasure", c.Terminal),
		line("case", "%s", c.Case), line("certificate", "%s", c.Certificate),
	}, err
}

func papersWords(e *envelope.Envelope) ([]string, error) {
	var p command.Papers
	err := envelope.Decode(e.Payload, &p)
	says := []string{line("states", "these papers were seen for case %s", p.Case)}
	for _, paper := range p.Papers {
		says = append(says, line("paper", "%s by %s on %s, %s", paper.Type, paper.By, when(paper.Seen), paper.Hash))
	}
	return says, err
}

func profileWords(e *envelope.Envelope) ([]string, error) {
	var p profile.Profile
	err := envelope.Decode(e.Payload, &p)
	says := []string{
		line("profile", "%s for %s", p.ID, p.Action), line("reasons", "%s", joined(p.Reasons)),
		line("scope", "%s", joined(p.Scope)), line("slots", "%s", joined(p.Slots)), line("papers", "%s", joined(p.Papers)),
	}
	for _, place := range p.Inventory {
		says = append(says, line("erases", "%s: %s", place.Class, place.Path))
	}
	return says, err
}

func trustWords(e *envelope.Envelope) ([]string, error) {
	var b trust.Bundle
	err := envelope.Decode(e.Payload, &b)
	return []string{
		line("trust", "version %d: whom every terminal believes", b.Version),
		line("good", "until %s", when(b.Expires)),
		line("keys", "%d, of them revoked: %s", len(b.Keys), joined(b.Revoked)),
	}, err
}

func joined[T ~string](words []T) string {
	var out []string
	for _, w := range words {
		out = append(out, string(w))
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
