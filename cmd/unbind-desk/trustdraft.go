package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/rotation"
)

// drafting is what the flags of draft say.
type drafting struct {
	from                                                                   origin
	out, expires, logKey                                                   string
	add, remove, revoke, sets, dropSets, pins, unpins, rules, profileFiles []string
}

func trustDraftCommand() *cobra.Command {
	var d drafting
	c := &cobra.Command{
		Use:   "draft --trust FILE | --dir DIR --out FILE",
		Short: "Draft the next version from the one in force, unsigned",
		Long: `Draft the next version from the one in force, unsigned.

Refuses (E16) what would lock everybody out: a rule that too few people could meet,
roots that cannot sign it any more, a log without a key, a recipient set that
nothing can be sealed for, a bundle that has expired already. To revoke a key of the
desk, put its successor in first, let the desk take that key, and revoke then.

A key that is revoked stays known, so that what it signed is refused by that name.
Old backups stay readable with the old identities: keep them.`,
		Example: `  unbind-desk trust draft --trust trust.json --out trust-2.json --add ops-3:operations=ops-3.pub.pem --revoke ed25519:2215d86d8cb4335e
  unbind-desk trust draft --dir desk --out trust-3.json --set rcp-demo=desk=age1...,escrow=age1... --expires 2029-01-31`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error { return d.run(c) }),
	}
	d.from.flags(c)
	f := c.Flags()
	f.StringVar(&d.out, "out", "", "file to write the draft to")
	f.StringArrayVar(&d.add, "add", nil, "holder:role=PUBLIC.pem, a key that comes in (repeatable)")
	f.StringArrayVar(&d.remove, "remove", nil, "key id, a key that goes (repeatable)")
	f.StringArrayVar(&d.revoke, "revoke", nil, "key id, a key that counts for nothing from now on, for ever (repeatable)")
	f.StringArrayVar(&d.sets, "set", nil, "SET=holder=age1...[,holder=age1...], a recipient set, in the place of one of its name (repeatable)")
	f.StringArrayVar(&d.dropSets, "drop-set", nil, "a recipient set that goes (repeatable)")
	f.StringArrayVar(&d.pins, "pin", nil, "digest of a desk's TLS key that terminals shall believe (repeatable)")
	f.StringArrayVar(&d.unpins, "unpin", nil, "digest of one that the bundle names no more; a terminal that was enrolled with it goes on believing it until it is enrolled anew (repeatable)")
	f.StringVar(&d.logKey, "log-key", "", "key id of the receipt key that signs the log")
	f.StringArrayVar(&d.rules, "rule", nil, "kind=role:n[,role:n...][/total], who must sign (repeatable)")
	f.StringArrayVar(&d.profileFiles, "profile", nil, "signed profile to be named, in the place of one of its name (repeatable)")
	f.StringVar(&d.expires, "expires", "", "last day, as 2029-01-31, UTC")
	must(c, "out")
	return c
}

func (d *drafting) run(c *cobra.Command) error {
	if err := vacant(d.out); err != nil {
		return err
	}
	got, err := d.from.read(c)
	if err != nil {
		return err
	}
	change, err := d.change()
	if err != nil {
		return err
	}
	now := got.now()
	e, err := rotation.Next(got.versions, change)
	if err != nil {
		return err
	}
	next, err := now.Draft(e)
	if err != nil {
		return err
	}
	if err := keepNew(d.out, e.Encode()); err != nil {
		return err
	}
	lines := rotation.Compare(now.Bundle, next.Bundle)
	given, err := d.profiles(got.profiles)
	if err != nil {
		return err
	}
	closed := rotation.ClosedProfiles(next, given)
	told := map[string]any{"file": d.out, "version": next.Version, "digest": e.Digest(), "changes": lines}
	if len(closed) > 0 {
		told["closed"] = closed
	}
	return show(c, told, func() {
		say(c, "%s", text{"Version %d is drafted in %s:", "版本 %d 草稿已写入 %s："}.in(next.Version, d.out))
		for _, l := range changeWords(lines) {
			say(c, "  %s", l)
		}
		sayClosed(c, next.Version, closed)
		say(c, "%s", text{"Next: the roots sign it, each with unbind-desk trust sign.", "下一步：各根密钥持有人分别执行 unbind-desk trust sign。"}.in())
	})
}

func (d *drafting) change() (ch rotation.Change, err error) {
	ch = rotation.Change{
		LogKey: envelope.KeyID(d.logKey), Issued: time.Now().Unix(), Sets: map[envelope.ID][]trust.Recipient{},
		Rules: map[string]trust.Rule{}, Profiles: map[envelope.ID]envelope.Digest{},
		Remove: typed[envelope.KeyID](d.remove), Revoke: typed[envelope.KeyID](d.revoke),
		Pin: typed[envelope.Digest](d.pins), Unpin: typed[envelope.Digest](d.unpins),
	}
	for _, name := range d.dropSets {
		ch.Sets[envelope.ID(name)] = nil
	}
	for _, read := range []struct {
		flags []string
		one   func(string, *rotation.Change) error
	}{{d.add, readAdded}, {d.sets, readSet}, {d.rules, readRule}, {d.profileFiles, readProfile}} {
		for _, flag := range read.flags {
			if err := read.one(flag, &ch); err != nil {
				return ch, err
			}
		}
	}
	if d.expires != "" {
		day, err := time.Parse(time.DateOnly, d.expires)
		if err != nil {
			return ch, misuse("cannot use --expires %s: want a day as 2029-01-31", d.expires)
		}
		ch.Expires = day.AddDate(0, 0, 1).Unix() - 1
	}
	return ch, nil
}

func typed[T ~string](words []string) (out []T) {
	for _, w := range words {
		out = append(out, T(w))
	}
	return out
}

func readAdded(flag string, ch *rotation.Change) error {
	who, path, ok1 := strings.Cut(flag, "=")
	holder, role, ok2 := strings.Cut(who, ":")
	if !ok1 || !ok2 || !envelope.ID(holder).Valid() {
		return misuse("cannot use --add %s: want holder:role=PUBLIC.pem", flag)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read a public key: %w", err)
	}
	key, err := authority.ParsePublicPEM(body)
	if err != nil {
		return err
	}
	ch.Add = append(ch.Add, rotation.Added{Holder: envelope.ID(holder), Role: trust.Role(role), Key: key})
	return nil
}

func readSet(flag string, ch *rotation.Change) error {
	name, people, ok := strings.Cut(flag, "=")
	if !ok || !envelope.ID(name).Valid() {
		return misuse("cannot use --set %s: want SET=holder=age1...", name)
	}
	for _, one := range strings.Split(people, ",") {
		holder, age, ok := strings.Cut(one, "=")
		if !ok || !envelope.ID(holder).Valid() {
			return misuse("cannot use --set %s: want SET=holder=age1...", name)
		}
		ch.Sets[envelope.ID(name)] = append(ch.Sets[envelope.ID(name)], trust.Recipient{
			Age: envelope.Recipient(age), Holder: envelope.ID(holder), ProvedAt: ch.Issued,
		})
	}
	return nil
}

func readRule(flag string, ch *rotation.Change) error {
	kind, rest, ok := strings.Cut(flag, "=")
	needs, total, given := strings.Cut(rest, "/")
	rule := trust.Rule{Need: map[trust.Role]int{}}
	for _, one := range strings.Split(needs, ",") {
		role, count, _ := strings.Cut(one, ":")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n < 1 {
			return misuse("cannot use --rule %s: want kind=role:n[,role:n...][/total]", flag)
		}
		rule.Need[trust.Role(role)] = n
		rule.Total += n
	}
	if given {
		n, err := strconv.Atoi(total)
		if err != nil || n < rule.Total {
			return misuse("cannot use --rule %s: the total is less than its roles ask for", flag)
		}
		rule.Total = n
	}
	ch.Rules[kind] = rule
	return nil
}

// profiles are the desk's, where it was asked, and those of the flags.
func (d *drafting) profiles(desks []*envelope.Envelope) ([]*envelope.Envelope, error) {
	for _, path := range d.profileFiles {
		e, err := readEnvelope(path)
		if err != nil {
			return nil, err
		}
		desks = append(desks, e)
	}
	return desks, nil
}

func readProfile(path string, ch *rotation.Change) error {
	e, err := readEnvelope(path)
	if err != nil {
		return err
	}
	var p profile.Profile
	if e.PayloadType != envelope.Type(profile.Kind) {
		return misuse("cannot use --profile %s: it is no profile", path)
	}
	if err := envelope.Decode(e.Payload, &p); err != nil {
		return err
	}
	ch.Profiles[p.ID] = e.Digest()
	return nil
}
