package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/receipt"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/sealed"
)

// opening is what the flags of open say.
type opening struct {
	identity, out string
	totals        bool
}

// found is what a sealed file was found to hold; it exists for whole files only.
type found interface {
	tell(c *cobra.Command) error
}

// recounted is a backup, counted anew.
type recounted struct{ sealed.Recount }

// counted is what open tells of a backup.
type counted struct {
	Header  backup.Header  `json:"header"`
	Events  uint64         `json:"events"`
	Refused uint64         `json:"refused"`
	Totals  receipt.Totals `json:"totals"`
}

func openCommand() *cobra.Command {
	var o opening
	c := &cobra.Command{
		Use:   "open --identity KEY FILE",
		Short: "Open a sealed backup or salvage, recount it, write its lines - offline",
		Long: `Open a sealed backup or salvage, recount it, write its lines - offline.

Decrypts and checks the whole file before any of it is given out: its end, the
chain of every line, counts, sums, head. Then the lines go to --out (the file
appears whole or not at all), or to standard output. With --totals only the
totals are printed. Where the chain begins is taken from the file's own header;
unbind-desk verify compares it with the binding.

A salvage is what "unbindd ledger export" wrote. It belongs to no case. Where it
says that records are missing, nothing but the others is checked, and what is
missing is told.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error { return o.run(c, args[0]) }),
	}
	c.Flags().StringVar(&o.identity, "identity", "", "age identity file")
	c.Flags().StringVar(&o.out, "out", "", "file to write the lines to")
	c.Flags().BoolVar(&o.totals, "totals", false, "print totals only")
	must(c, "identity")
	c.MarkFlagsMutuallyExclusive("out", "totals")
	return c
}

func (o *opening) run(c *cobra.Command, path string) error {
	if err := vacant(o.out); err != nil {
		return err
	}
	identities, err := authority.ReadIdentities(o.identity)
	if err != nil {
		return err
	}
	pass, err := passOver(path, identities)
	if err != nil {
		return err
	}
	if o.out != "" {
		return o.toFile(c, pass)
	}
	got, err := pass(func([]byte) error { return nil })
	if err != nil {
		return err
	}
	if o.totals {
		return got.tell(c)
	}
	// The whole file held; the second pass gives out what the first one proved.
	w := bufio.NewWriter(c.OutOrStdout())
	_, err = pass(func(line []byte) error { _, err := w.Write(line); return err })
	return errors.Join(err, w.Flush())
}

// passOver says how a file of its kind is read from end to end.
func passOver(path string, identities []authority.Secret) (pass func(each func([]byte) error) (found, error), err error) {
	first, err := openFile(path, func(f io.Reader) (backup.Header, error) { return backup.Beginning(f, revealed(identities)) })
	if err != nil {
		return nil, envelope.Refuse("E24", "sealed", "cannot accept the file: %w", err)
	}
	if first.Kind == backup.Salvage {
		return func(each func([]byte) error) (found, error) {
			return openFile(path, func(f io.Reader) (found, error) { return openSalvage(f, identities, first, each) })
		}, nil
	}
	start, err := beginning(path, identities)
	return func(each func([]byte) error) (found, error) {
		return openFile(path, func(f io.Reader) (found, error) {
			got, err := sealed.Open(f, identities, start, each)
			return recounted{got}, err
		})
	}, err
}

func revealed(identities []authority.Secret) (texts []string) {
	for _, id := range identities {
		texts = append(texts, string(id.Reveal()))
	}
	return texts
}

func (got recounted) tell(c *cobra.Command) error {
	told := counted{Header: got.Header, Events: got.Tally.Events, Refused: got.Tally.Refused, Totals: got.Totals()}
	return show(c, told, func() {
		say(c, "%s", text{"Case %s, terminal %s, enrolment %d", "案件 %s，终端 %s，第 %d 次登记"}.in(told.Header.Case, told.Header.Terminal, told.Header.Epoch))
		say(c, "%s", text{"%d transaction(s), %d event(s), %d refused, head %s", "%d 笔交易，%d 个事件，%d 条被拒，链头 %s"}.in(told.Totals.Count, told.Events, told.Refused, told.Totals.Head))
		for _, s := range told.Totals.Sums {
			say(c, "%s", text{"  %-3s %-12s %-9s %6d  %d minor units", "  %-3s %-12s %-9s %6d  %d 最小货币单位"}.in(s.Currency, s.Kind, s.Result, s.Count, s.Amount))
		}
	})
}

// toFile writes the lines beside their place and renames them into it only when
// everything held.
func (o *opening) toFile(c *cobra.Command, pass func(func([]byte) error) (found, error)) error {
	f, err := os.CreateTemp(filepath.Dir(o.out), ".open-*")
	if err != nil {
		return fmt.Errorf("cannot write the lines: %w", err)
	}
	w := bufio.NewWriter(f)
	got, err := pass(func(line []byte) error { _, err := w.Write(line); return err })
	err = errors.Join(err, w.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), o.out)
	}
	if err != nil {
		return fmt.Errorf("cannot write the lines: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return errors.Join(authority.SyncDir(filepath.Dir(o.out)), got.tell(c))
}

// beginning reads where the chain of a file begins, by its own word.
func beginning(path string, identities []authority.Secret) (sealed.Start, error) {
	return openFile(path, func(f io.Reader) (sealed.Start, error) { return sealed.Beginning(f, identities) })
}

func openFile[T any](path string, with func(io.Reader) (T, error)) (got T, err error) {
	f, err := os.Open(path)
	if err != nil {
		return got, fmt.Errorf("cannot open the backup: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return with(f)
}
