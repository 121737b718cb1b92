// Package campaign is the approval of many commands at once: how many terminals,
// and exactly which commands, under the signatures of three people. Terminals
// never see it; each command still carries its own approval.
//
// It promises that a campaign is opened only when operations, security and
// release signed it, one person each, and that its count is the number of the
// commands it lists.
//
//	campaign.go  make, open
package campaign

import (
	"slices"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// Kind is the payload kind of a campaign.
const Kind = "campaign"

// Most is how many commands one campaign may list.
const Most = 1000

// longest is how many seconds a campaign may be good for: a week.
const longest = 7 * 24 * 3600

// Campaign is the payload.
type Campaign struct {
	Commands  []envelope.Digest `json:"commands"` // sorted, each once
	Count     int64             `json:"count"`
	NotAfter  int64             `json:"not_after"`  // Unix seconds
	NotBefore int64             `json:"not_before"` // Unix seconds
	V         int               `json:"v"`
}

// Over makes a campaign of commands.
func Over(commands []envelope.Digest, from, until int64) (Campaign, error) {
	c := Campaign{Commands: slices.Sorted(slices.Values(commands)), Count: int64(len(commands)), NotAfter: until, NotBefore: from, V: 1}
	return c, c.check()
}

// Rule says who must sign: what a bundle says of the kind, or where it says
// nothing the two roles of a command and release, for a campaign goes past caps.
func Rule(t *trust.Trust) trust.Rule {
	if rule, ok := t.Rules[Kind]; ok {
		return rule
	}
	return trust.Rule{}.With(trust.Operations).With(trust.Security).With(trust.Release)
}

// Open verifies the signatures and then reads the campaign.
func Open(e *envelope.Envelope, t *trust.Trust) (Campaign, error) {
	var extra []trust.Role
	if _, ok := t.Rules[Kind]; !ok {
		extra = []trust.Role{trust.Operations, trust.Security, trust.Release}
	}
	if _, err := t.Verify(e, Kind, extra...); err != nil {
		return Campaign{}, err
	}
	return Read(e)
}

// Read reads a campaign whatever its signatures.
func Read(e *envelope.Envelope) (Campaign, error) {
	var c Campaign
	if e.PayloadType != envelope.Type(Kind) {
		return c, envelope.Refuse("E03", "", "cannot take the envelope as a campaign: its type is another")
	}
	if err := envelope.Decode(e.Payload, &c); err != nil {
		return c, err
	}
	return c, c.check()
}

func (c Campaign) check() error {
	switch {
	case c.V != 1:
		return envelope.Refuse("E07", "v", "cannot use the campaign: its version is not supported")
	case c.Count != int64(len(c.Commands)) || c.Count < 1 || c.Count > Most:
		return envelope.Refuse("E28", "count", "cannot use the campaign: it counts %d commands and lists %d; want 1 to %d", c.Count, len(c.Commands), Most)
	case c.NotAfter <= c.NotBefore || c.NotAfter-c.NotBefore > longest:
		return envelope.Refuse("E13", "window", "cannot use the campaign: it is good for no time, or for more than a week")
	}
	for i, d := range c.Commands[1:] {
		if d <= c.Commands[i] {
			return envelope.Refuse("E06", "not-canonical", "cannot use the campaign: its commands are not sorted, or one stands twice")
		}
	}
	return nil
}

// Lists says whether a command is one of the campaign's.
func (c Campaign) Lists(d envelope.Digest) bool {
	_, found := slices.BinarySearch(c.Commands, d)
	return found
}
