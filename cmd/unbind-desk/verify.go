package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/certificate"
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
	var indexed bool
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

The desk lists all files of a case when it hands the case out, and signs the list:
a file that was taken out, put in or changed since is named. A case of an older desk
has no such list; it verifies, and the last line says that nothing counts its files.
With --indexed it does not: give that for whatever was exported since desks list.

A line is ok, failed, absent (not there, and nothing asks for it) or skipped
(what it stands on did not hold). The last one says what was verified, how many files,
with which result, and as of when. Exit code 0 when nothing failed, 1 when something
did, 2 for a wrong call, 6 for a zip file that is refused. With --json names, words and
details are English, and the last line is "summary".`,
		Args: cobra.MinimumNArgs(1),
		RunE: does(func(c *cobra.Command, paths []string) error {
			o := dossier.Options{Anchor: envelope.Digest(anchor), Indexed: indexed}
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
	c.Flags().BoolVar(&indexed, "indexed", false, "refuse a case without the desk's index of its files")
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
	found := dossier.Look(src, o)
	told := struct {
		OK      bool             `json:"ok"`
		Results []dossier.Result `json:"results"`
		Summary dossier.Summary  `json:"summary"`
	}{found.OK, found.Results, found.Summary()}
	err := show(c, told, func() {
		for _, r := range told.Results {
			detail := strings.ReplaceAll(translated(r.Detail), "\n", "\n"+strings.Repeat(" ", 30))
			say(c, "%s%s%s", column(checkName(r.Status), 9), column(checkName(r.Check), 21), detail)
		}
		say(c, "%s", summed(told.OK, told.Summary))
	})
	if err == nil && !told.OK {
		err = errNotVerified
	}
	return err
}

// summed is the last line of a verification.
func summed(ok bool, s dossier.Summary) string {
	if !ok {
		var names []string
		for _, name := range s.Failed {
			names = append(names, checkName(name))
		}
		return text{"DOES NOT VERIFY, do not rely on it: %s. Failed: %s.", "核验未通过，请勿采信：%s。未通过的检查：%s。"}.in(
			ofCase(s), strings.Join(names, text{", ", "、"}.in()))
	}
	if !s.Indexed {
		return text{
			"Verified: %s; %d files are there. NOTHING COMMITS TO THE NUMBER OF ITS FILES (no index.json, as from an older desk): some may have been taken out, and as of when it is is not known.",
			"核验通过：%s；现有文件 %d 份。没有任何签名确定其文件份数（无 index.json，如旧版后台所导出）：可能有文件被取走，且截至何时不得而知。",
		}.in(ofCase(s), s.Files)
	}
	return text{
		"Verified: %s; %d files, all that the desk had as of %s, the case then being %s. What came later is not in it.",
		"核验通过：%s；文件 %d 份，即后台截至 %s 的全部文件，当时案件状态：%s。此后的文件不在其中。",
	}.in(ofCase(s), s.Files, s.At, s.State)
}

// ofCase names the case and what its certificate came to.
func ofCase(s dossier.Summary) string {
	if s.Case == "" {
		return text{"a case whose command does not hold", "指令不成立的案件"}.in()
	}
	result := map[string]text{
		certificate.Complete: {"certificate complete", "证书：全部完成"},
		certificate.Partial:  {"certificate PARTIAL", "证书：部分完成"},
	}[s.Result]
	if result == (text{}) {
		result = text{"no certificate, so nothing is said to be erased", "没有证书，即未声明任何擦除"}
	}
	return text{"case %s of terminal %s, %s", "案件 %s，终端 %s，%s"}.in(s.Case, s.Terminal, result.in())
}
