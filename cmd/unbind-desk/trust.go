package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/directory"
)

func trustCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "trust [show | draft | sign | publish | export | check]",
		Short: "Whom every terminal believes: show it, draft the next version, sign, carry",
		Long: `Whom every terminal believes: show it, draft the next version, sign, carry.

The trust bundle has a version; version N+1 counts only with the signatures that
both N and N+1 ask for. draft makes it from the one in force and refuses what would
lock everybody out; the roots sign it where their keys are, offline; publish hands
it to the desk; export writes one file for terminals that no network reaches.

The versions are read from a file (--trust, as DIR/trust.json) or from the running
desk (--dir).`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(trustShowCommand(), trustDraftCommand(), trustSignCommand(), trustPublishCommand(), trustExportCommand(), trustCheckCommand())
	return c
}

// origin is where the versions are read from.
type origin struct{ dir, file, anchor string }

func (o *origin) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.dir, "dir", "", "ask the running desk of this directory")
	c.Flags().StringVar(&o.file, "trust", "", "file with the trust bundles, as the desk's trust.json")
	c.Flags().StringVar(&o.anchor, "anchor", "", "digest of version 1, or @FILE; where not given, the first bundle is taken at its word")
	c.MarkFlagsMutuallyExclusive("dir", "trust")
	c.MarkFlagsOneRequired("dir", "trust")
}

// chain is every version with its envelope, the first one first, and the profiles
// that the newest names where the desk was asked.
type chain struct {
	envelopes []*envelope.Envelope
	versions  []*trust.Trust
	profiles  []*envelope.Envelope
}

func (c chain) now() *trust.Trust { return c.versions[len(c.versions)-1] }

func (o *origin) read(c *cobra.Command) (got chain, err error) {
	first := envelope.Digest("")
	if o.dir != "" {
		steps, err := operator(o.dir).Steps(c.Context())
		if err != nil {
			return got, err
		}
		if got.envelopes, err = envelopes(steps.Trust); err != nil {
			return got, err
		}
		if got.profiles, err = envelopes(steps.Profiles); err != nil {
			return got, err
		}
		if first, err = directory.Dir(o.dir).ReadAnchor(); err != nil {
			return got, err
		}
	} else {
		body, err := os.ReadFile(o.file)
		if err != nil {
			return got, fmt.Errorf("cannot read the trust bundles: %w", err)
		}
		if got.envelopes, err = directory.ParseArray(body); err != nil {
			return got, err
		}
		if len(got.envelopes) == 0 {
			return got, misuse("cannot use --trust: there is no bundle in it")
		}
		first = got.envelopes[0].Digest()
	}
	if o.anchor != "" {
		if first, err = anchorOf(o.anchor); err != nil {
			return got, err
		}
	}
	got.versions, err = trust.Versions(first, got.envelopes)
	return got, err
}

// envelopes parses envelopes as the desk sends them.
func envelopes[T ~[]byte](raw []T) (all []*envelope.Envelope, err error) {
	for _, r := range raw {
		e, err := envelope.Parse(r, envelope.MaxSize)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func trustShowCommand() *cobra.Command {
	var from origin
	var version int64
	c := &cobra.Command{
		Use:   "show --trust FILE | --dir DIR",
		Short: "Show a version: keys by role and holder, rules, recipients, revoked, pins",
		Args:  cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			got, err := from.read(c)
			if err != nil {
				return err
			}
			if version == 0 {
				version = got.now().Version
			}
			if version < 1 || version > got.now().Version {
				return misuse("cannot show version %d: there are %d", version, got.now().Version)
			}
			return showTrust(c, got.versions[version-1], got.now().Version, got.envelopes[0].Digest())
		}),
	}
	from.flags(c)
	c.Flags().Int64Var(&version, "version", 0, "which version; the newest where not given")
	return c
}
