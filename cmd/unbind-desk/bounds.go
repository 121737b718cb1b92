package main

import (
	"errors"
	"io/fs"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/space"
)

// bounded adds the flags of what a terminal, a case and the desk may keep.
func (s *serving) bounded(c *cobra.Command) {
	s.bounds = desk.DefaultBounds()
	c.Flags().Int64Var(&s.bounds.Objects, "most-manifests", s.bounds.Objects, "most manifests, and most certificates, of one case")
	c.Flags().Int64Var(&s.bounds.Answers, "most-answers", s.bounds.Answers, "most answers in one case")
	c.Flags().Int64Var(&s.bounds.Strays, "most-strays", s.bounds.Strays, "most answers of one terminal to what is no case, in a day (UTC)")
	c.Flags().Int64Var(&s.bounds.Files, "most-files", s.bounds.Files, "most bytes of sealed files of one case")
	c.Flags().Int64Var(&s.bounds.Free, "least-free", s.bounds.Free, "bytes of the disk that files leave free; records leave a quarter of it")
}

func (s *serving) fits() error {
	if b := s.bounds; min(b.Objects, b.Answers, b.Strays, b.Files) < 1 || b.Free < 0 || s.overdue < 0 || s.overdue > 1<<20 {
		return misuse("cannot use the bounds of what is kept: want at least 1 of each, and --least-free and --overdue not below 0")
	}
	return nil
}

// left is what is free of the disk of records or of that of files, whichever has less.
func (s *serving) left() (int64, error) {
	records, err := space.Left(string(s.dir))
	if err != nil {
		return 0, err
	}
	files, err := space.Left(s.dir.Blobs())
	return min(records, files), err
}

// settle sees to it that the store can be opened on a disk that was filled.
func (s *serving) settle(log zerolog.Logger) error {
	freed, err := space.Settle(string(s.dir), s.bounds.Free)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // who opens the store says so better
	}
	if freed {
		log.Warn().Msg("the disk is full: the ballast was given free, and nothing that grows is taken")
	}
	return err
}
