package trust

import (
	"fmt"
	"slices"

	"unbindd/agent/envelope"
)

// Role is what a key may sign for.
type Role string

// The roles of a trust bundle.
const (
	Root       Role = "root"
	Operations Role = "operations"
	Security   Role = "security"
	Release    Role = "release"
	ReceiptKey Role = "receipt"
	Custodian  Role = "custodian"
	Enrol      Role = "enrol"
	Reader     Role = "reader"
)

var roles = []Role{Root, Operations, Security, Release, ReceiptKey, Custodian, Enrol, Reader}

// Key is a public key with the person behind it and the one role it has.
type Key struct {
	Alg    string      `json:"alg"`
	Holder envelope.ID `json:"holder"`
	Pub    []byte      `json:"pub"`
	Role   Role        `json:"role"`
}

// Public is the key without its holder and role.
func (k Key) Public() envelope.PublicKey { return envelope.PublicKey{Alg: k.Alg, Pub: k.Pub} }

// Rule says how many holders must sign: so many of each role, and in all.
type Rule struct {
	Need  map[Role]int `json:"need"`
	Total int          `json:"total"`
}

// With is the rule with one more holder of a further role.
func (r Rule) With(role Role) Rule {
	need := map[Role]int{role: 1}
	for have, n := range r.Need {
		need[have] += n
	}
	return Rule{Need: need, Total: r.Total + 1}
}

// Recipient is one age recipient of a set, with who holds its identity and when
// that was last shown (Unix seconds).
type Recipient struct {
	Age      envelope.Recipient `json:"age"`
	Holder   envelope.ID        `json:"holder"`
	ProvedAt int64              `json:"proved_at"`
}

// Log names the desk's log: its origin line and the key that signs for it.
type Log struct {
	Key    envelope.KeyID `json:"key"`
	Origin envelope.ID    `json:"origin"`
}

// Bundle is the payload of a trust envelope.
type Bundle struct {
	Expires    int64                           `json:"expires"`
	Issued     int64                           `json:"issued"`
	Keys       map[envelope.KeyID]Key          `json:"keys"`
	Log        Log                             `json:"log"`
	Profiles   map[envelope.ID]envelope.Digest `json:"profiles"`
	Recipients map[envelope.ID][]Recipient     `json:"recipients"`
	Revoked    []envelope.KeyID                `json:"revoked"`
	Rules      map[string]Rule                 `json:"rules"`
	SPKI       []envelope.Digest               `json:"spki"`
	V          int                             `json:"v"`
	Version    int64                           `json:"version"`
}

// DefaultRules are the rules of FORMATS 3, by kind.
func DefaultRules() map[string]Rule {
	one := func(r Role) Rule { return Rule{Need: map[Role]int{r: 1}, Total: 1} }
	dual := Rule{Need: map[Role]int{Operations: 1, Security: 1}, Total: 2}
	return map[string]Rule{
		"amend": dual.With(Release), "binding": one(Enrol), "cancel": one(Operations), "close": dual.With(Release),
		"command": dual, "enrol-ticket": one(Enrol), "papers": one(Operations), "profile": dual,
		"receipt": one(ReceiptKey), "time": one(ReceiptKey), "trust": {Need: map[Role]int{Root: 3}, Total: 3},
	}
}

// check refuses a bundle that could not be verified against later.
func (b *Bundle) check() error {
	if b.V != 1 || b.Version < 1 {
		return fmt.Errorf("version %d of form %d is not supported", b.Version, b.V)
	}
	for id, key := range b.Keys {
		if key.Public().Check() == nil && key.Public().ID() != id {
			return fmt.Errorf("key %s does not stand under its own id", id)
		}
		if !slices.Contains(roles, key.Role) {
			return fmt.Errorf("key %s has an unknown role", id)
		}
	}
	for kind := range DefaultRules() {
		if rule, ok := b.Rules[kind]; !ok || rule.Total < 1 || len(rule.Need) == 0 {
			return fmt.Errorf("it has no rule for %s", kind)
		}
	}
	return nil
}
