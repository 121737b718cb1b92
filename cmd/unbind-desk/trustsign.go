package main

import (
	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/rotation"
)

// looked is a next version as somebody looks at it before signing.
type looked struct {
	File    string          `json:"file"`
	Version int64           `json:"version"`
	Digest  envelope.Digest `json:"digest"`
	Changes []rotation.Line `json:"changes"`
	Sides   []rotation.Side `json:"sides"`
	Holds   bool            `json:"holds"` // both versions' rules are met

	Closed []rotation.Closed `json:"closed,omitempty"` // profiles that nobody can use under it, as far as the desk was asked
}

func trustSignCommand() *cobra.Command {
	var from origin
	var key string
	var dry bool
	c := &cobra.Command{
		Use:   "sign --key ROOT.pem --trust FILE NEXT",
		Short: "Say what the next version changes and add one root's signature - offline",
		Long: `Say what the next version changes and add one root's signature - offline.

Prints in words everything that differs from the version in force, which is read
from --trust, and who is still missing for the rules of both. With --dry nothing is
signed. Refused are a key that neither version asks for, a revoked one, and a second
signature by the same person for one version, with whatever key. A root whose key is
exchanged signs with the old one and with the new one.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			got, next, e, err := nextOf(c, &from, args[0])
			if err != nil {
				return err
			}
			now := got.now()
			if err := sayChanges(c, now, next, got.profiles); err != nil {
				return err
			}
			if !dry {
				if err := signNext(now, next, e, key, args[0]); err != nil {
					return err
				}
			}
			return look(c, now, next, e, args[0], got.profiles)
		}),
	}
	from.flags(c)
	c.Flags().StringVar(&key, "key", "", "the root's private key, PKCS8 in PEM")
	c.Flags().BoolVar(&dry, "dry", false, "only say what would be signed")
	c.MarkFlagsOneRequired("key", "dry")
	return c
}

// nextOf reads a next version and the one it follows. A draft that would lock
// everybody out is refused here too: it may come from anywhere.
func nextOf(c *cobra.Command, from *origin, file string) (got chain, next *trust.Trust, e *envelope.Envelope, err error) {
	if got, err = from.read(c); err != nil {
		return got, nil, nil, err
	}
	if e, err = readEnvelope(file); err != nil {
		return got, nil, nil, err
	}
	if next, err = got.now().Draft(e); err == nil {
		err = rotation.Judge(got.versions, next, next.Issued)
	}
	return got, next, e, err
}

func signNext(now, next *trust.Trust, e *envelope.Envelope, key, file string) error {
	by, err := authority.ReadSigner(key)
	if err != nil {
		return err
	}
	if _, err := rotation.Add(now, next, e, by); err != nil {
		return err
	}
	return authority.Replace(file, append(e.Encode(), '\n'), 0o644)
}

// sayChanges says what a version changes, before anything is signed; in JSON it is said
// with the rest.
func sayChanges(c *cobra.Command, now, next *trust.Trust, profiles []*envelope.Envelope) error {
	asJSON, err := c.Flags().GetBool("json")
	if err != nil || asJSON {
		return err
	}
	say(c, "%s", text{"Version %d changes against version %d:", "版本 %d 相对版本 %d 的变更："}.in(next.Version, now.Version))
	for _, l := range changeWords(rotation.Compare(now.Bundle, next.Bundle)) {
		say(c, "  %s", l)
	}
	sayClosed(c, next.Version, rotation.ClosedProfiles(next, profiles))
	return nil
}

// look says how far the signing has got.
func look(c *cobra.Command, now, next *trust.Trust, e *envelope.Envelope, file string, profiles []*envelope.Envelope) error {
	sides, err := rotation.Sides(now, next, e)
	if err != nil {
		return err
	}
	_, err = now.Next(e)
	told := looked{File: file, Version: next.Version, Digest: e.Digest(), Changes: rotation.Compare(now.Bundle, next.Bundle), Sides: sides, Holds: err == nil}
	told.Closed = rotation.ClosedProfiles(next, profiles)
	return show(c, told, func() {
		say(c, "%s", text{"digest  %s", "摘要  %s"}.in(told.Digest))
		for _, s := range sides {
			say(c, "%s", text{"For the rule of version %d: signed by %s, %d more people needed", "按版本 %d 的规则：已签名 %s，还需 %d 人"}.in(s.Version, signedBy(s.Signed), s.Missing))
		}
		if told.Holds {
			say(c, "%s", text{"It holds. Next: unbind-desk trust publish.", "签名已足。下一步：unbind-desk trust publish。"}.in())
		}
	})
}

func signedBy(who []trust.Approver) string {
	var names []envelope.ID
	for _, a := range who {
		names = append(names, a.Holder)
	}
	if len(names) == 0 {
		return text{"nobody", "无"}.in()
	}
	return joined(names)
}

func trustCheckCommand() *cobra.Command {
	var from origin
	c := &cobra.Command{
		Use:   "check --trust FILE | --dir DIR [NEXT]",
		Short: "Check every version from the anchor, and whether a next one holds",
		Long: `Check every version from the anchor, and whether a next one holds.

Ends with 6 and the name of what is wrong (E16): a gap, a rollback, a fork, the rule
of one of the two versions not met, one person in two places, a revoked key, or a
version that would lock everybody out. Without NEXT only the versions are checked.`,
		Args: cobra.MaximumNArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				got, next, e, err := nextOf(c, &from, args[0])
				if err == nil {
					_, err = got.now().Next(e)
				}
				if err != nil {
					return err
				}
				if err := sayChanges(c, got.now(), next, got.profiles); err != nil {
					return err
				}
				return look(c, got.now(), next, e, args[0], got.profiles)
			}
			got, err := from.read(c)
			if err != nil {
				return err
			}
			told := map[string]any{"versions": len(got.versions), "digest": got.now().Digest(), "anchor": got.envelopes[0].Digest()}
			return show(c, told, func() {
				say(c, "%s", text{"%d version(s) follow from anchor %s; the newest is good until %s.", "%d 个版本均由锚点 %s 逐级延续；最新版本有效至 %s。"}.in(len(got.versions), got.envelopes[0].Digest(), when(got.now().Expires)))
			})
		}),
	}
	from.flags(c)
	return c
}
