package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// signed is one file as sign leaves it.
type signed struct {
	File       string             `json:"file"`
	Kind       string             `json:"kind"`
	Digest     envelope.Digest    `json:"digest"`
	Key        envelope.KeyID     `json:"key"`
	Signatures []envelope.KeyID   `json:"signatures"`
	Says       []string           `json:"says"`
	Approval   *grounds.Approval  `json:"approval,omitempty"` // where there was a trust to judge by
	now        *envelope.Envelope // with the new signature
}

func signCommand() *cobra.Command {
	var key, bundles, anchor, dir string
	c := &cobra.Command{
		Use:   "sign --key KEY.pem FILE...",
		Short: "Say what files order and add one signature to each - offline",
		Long: `Say what files order and add one signature to each - offline.

Prints in words what is being signed. Refuses a payload that is not in its one
canonical form, a kind that people do not sign, and a second signature by the
same key. With --trust, or --dir on the desk's own machine, it says which roles are
still missing, and refuses a second signature by the same person with another key,
and one that nobody asks for: a second person of a role that has signed. Without
either it cannot know that, and says so.
Either every file is signed or none. Needs no running desk and no network.`,
		Example: "  unbind-desk sign --key ops-1.pem --trust trust.json command.json",
		Args:    cobra.MinimumNArgs(1),
		RunE: does(func(c *cobra.Command, files []string) error {
			by, err := authority.ReadSigner(key)
			if err != nil {
				return err
			}
			if dir != "" { // the desk's own book
				if bundles != "" || anchor != "" {
					return misuse("cannot sign: --dir has a trust and an anchor of its own")
				}
				bundles, anchor = directory.Dir(dir).Trust(), "@"+directory.Dir(dir).Anchor()
			}
			believed, err := bundlesOf(bundles, anchor)
			if err != nil {
				return err
			}
			done, err := signAll(files, by, believed)
			if err != nil {
				return err
			}
			return show(c, done, func() { saySigned(c, done) })
		}),
	}
	c.Flags().StringVar(&key, "key", "", "private key, PKCS8 in PEM")
	c.Flags().StringVar(&bundles, "trust", "", "file with the trust bundles, as the desk's trust.json")
	c.Flags().StringVar(&anchor, "anchor", "", "digest of trust bundle version 1, or @FILE; where not given, the first bundle is taken at its word")
	c.Flags().StringVar(&dir, "dir", "", "the desk's directory, for its trust.json and anchor.txt; it need not run")
	must(c, "key")
	return c
}

// bundlesOf reads the trust to sign under; nil where none is given. Taken at its
// word it only warns a signer early: desk and terminal judge by the real anchor.
func bundlesOf(path, anchor string) (*trust.Trust, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the trust bundles: %w", err)
	}
	list, err := directory.ParseArray(text)
	if err != nil || len(list) == 0 {
		return nil, errors.Join(err, misuse("cannot use --trust: there is no bundle in it"))
	}
	first := list[0].Digest()
	if anchor != "" {
		if first, err = anchorOf(anchor); err != nil {
			return nil, err
		}
	}
	return trust.Chain(first, list)
}

// signAll looks at every file before it changes the first.
func signAll(files []string, by envelope.Signer, believed *trust.Trust) ([]signed, error) {
	var done []signed
	for _, file := range files {
		s, err := signOne(file, by, believed)
		if err != nil {
			return nil, err
		}
		done = append(done, s)
	}
	for _, s := range done {
		if err := authority.Replace(s.File, append(s.now.Encode(), '\n'), 0o644); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func signOne(file string, by envelope.Signer, believed *trust.Trust) (signed, error) {
	e, err := readEnvelope(file)
	if err != nil {
		return signed{}, err
	}
	kind, says, err := inWords(e)
	if err != nil {
		return signed{}, fmt.Errorf("%s: %w", file, err)
	}
	id := by.Public().ID()
	for _, have := range e.Signatures {
		if have.KeyID == id {
			return signed{}, fmt.Errorf("%w: %w", envelope.Refuse("E05", "same-holder", "cannot sign %s: key %s has signed it already", file, id), errBlocked)
		}
	}
	if err := e.Add(by); err != nil {
		return signed{}, err
	}
	approval, err := approved(believed, e)
	if err != nil {
		return signed{}, fmt.Errorf("%s: %w", file, err)
	}
	s := signed{File: file, Approval: approval, Kind: kind, Digest: e.Digest(), Key: id, Says: says, now: e}
	for _, sig := range e.Signatures {
		s.Signatures = append(s.Signatures, sig.KeyID)
	}
	return s, nil
}

func saySigned(c *cobra.Command, done []signed) {
	for _, s := range done {
		say(c, "%s", text{"%s: %s", "%s：%s"}.in(s.File, checkName(s.Kind)))
		for _, line := range s.Says {
			say(c, "  %s", line)
		}
		say(c, "%s", text{"  digest      %s", "  摘要        %s"}.in(s.Digest))
		say(c, "%s", text{"Signed with %s; it has %d signature(s) now.", "已用 %s 签署，现有 %d 个签名。"}.in(s.Key, len(s.Signatures)))
		if s.Approval != nil {
			sayApproval(c, *s.Approval)
		}
	}
	if len(done) > 0 && done[0].Approval == nil {
		say(c, "%s", text{
			"Whether this signature is one that is asked for was not looked at: give --trust trust.json, or --dir at the desk.",
			"未核对是否需要此签名：请给出 --trust trust.json，或在后台机器上给出 --dir。",
		}.in())
	}
}
