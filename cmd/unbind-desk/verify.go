package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/dossier"
	"unbindd/cmd/unbind-desk/internal/parcel"
	"unbindd/cmd/unbind-desk/internal/sealed"
)

// errNotVerified says that a check failed; which one was printed.
var errNotVerified = errors.New("the case does not verify")

func verifyCommand() *cobra.Command {
	var anchor, identity, prev string
	c := &cobra.Command{
		Use:   "verify DIR | ZIP | FILES...",
		Short: "Check an exported case completely - offline",
		Long: `Check an exported case completely - offline.

One line a check: the trust bundles from the anchor on, the command's approvers,
binding, profile, manifest, receipts, sealed file, ticket, certificate, the
reader's erase record, tombstone, answers, and that all of it stands in the desk's
log under one signed checkpoint. Give the anchor you know out of band
with --anchor; without it the folder's own is used, and said to be. With
--identity the backup is opened and recounted: chain, counts, sums, head.

The case is a folder, the zip file that cases export writes, or its files. A zip
file that holds anything else is refused before anything of it is read.

A line is ok, failed, absent (not there, and nothing asks for it) or skipped
(what it stands on did not hold). Exit code 1 when one failed. With --json names, words and details are English.`,
		Args: cobra.MinimumNArgs(1),
		RunE: does(func(c *cobra.Command, paths []string) error {
			o := dossier.Options{Anchor: envelope.Digest(anchor)}
			var err error
			if anchor != "" && !o.Anchor.Valid() {
				return misuse("cannot use --anchor: want sha256:<64 hex>")
			}
			if identity != "" {
				if o.Openers, err = authority.ReadIdentities(identity); err != nil {
					return err
				}
			}
			if prev != "" {
				if o.Prev, err = sealed.ParseChain(prev); err != nil {
					return err
				}
			}
			src, done, err := sourceOf(paths)
			if err != nil {
				return err
			}
			return errors.Join(report(c, src, o), done())
		}),
	}
	c.Flags().StringVar(&anchor, "anchor", "", "digest of trust bundle version 1, known out of band")
	c.Flags().StringVar(&identity, "identity", "", "age identity file that opens the backup")
	c.Flags().StringVar(&prev, "prev", "", "head of the predecessor's ledger, 64 hex digits, for a successor")
	return c
}

// sourceOf is a case in a folder, in a zip file or file by file, and how it is closed.
func sourceOf(paths []string) (src dossier.Source, done func() error, err error) {
	done = func() error { return nil }
	info, err := os.Stat(paths[0])
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("cannot read the case: %w", err)
	case info.IsDir() && len(paths) == 1:
		return dossier.Folder(paths[0]), done, nil
	case len(paths) == 1 && isZip(paths[0]):
		p, err := parcel.Open(paths[0])
		if err != nil {
			return nil, nil, err
		}
		return p, p.Close, nil
	}
	src, err = dossier.NewFiles(paths)
	return src, done, err
}

func isZip(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

func report(c *cobra.Command, src dossier.Source, o dossier.Options) error {
	results, ok := dossier.Verify(src, o)
	told := struct {
		OK      bool             `json:"ok"`
		Results []dossier.Result `json:"results"`
	}{ok, results}
	err := show(c, told, func() {
		for _, r := range results {
			say(c, "%s%s%s", column(checkName(r.Status), 9), column(checkName(r.Check), 21), translated(r.Detail))
		}
	})
	if err == nil && !ok {
		err = errNotVerified
	}
	return err
}
