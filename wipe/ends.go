package wipe

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// end is an opened folder in which names of the target live.
type end struct {
	fd    int
	above string // the way to it from the root, with a slash behind
}

// part is what of the target lies in one of them.
type part struct {
	end
	names []string
}

// maxEnds bounds how many folders a pattern may mean: each is held open, so that
// what is emptied is what was looked at. A target that is to go anyway is not left
// standing for that: then so many are held at a time.
const maxEnds = 500

// turns is how far a place has come in what a pattern means.
type turns struct {
	branch end      // the folder in which the pattern begins
	rest   []string // the way from there on
	first  int      // how many folders were passed over, being behind us
	seen   int      // how many the pattern means
}

// turn opens the folders that the pattern means, without the first ones.
func (p *place) turn(sys Sys, t Target, first int) error {
	p.leave(sys)
	p.first, p.seen = first, 0
	return p.spread(sys, t, p.branch, p.rest)
}

// next opens those that follow, and tells whether there are any.
func (p *place) next(sys Sys, t Target) (bool, error) {
	if p.seen <= p.first+maxEnds {
		return false, nil
	}
	return true, p.turn(sys, t, p.first+maxEnds)
}

// leave closes what is held open.
func (p *place) leave(sys Sys) {
	for _, e := range p.ends {
		if e.fd != p.fd {
			sys.Close(e.fd)
		}
	}
	p.ends = nil
}

var errManyEnds = errors.New("the pattern means too many folders")

// spread opens every folder that the rest of the way means. The refusals are those
// of a way without patterns: a link that a pattern matches is a link on the way,
// and another file system or a bind mount is not entered. A file that one matches
// has nothing below it.
func (p *place) spread(sys Sys, t Target, at end, rest []string) error {
	if len(rest) == 0 {
		p.seen++
		switch {
		case p.seen > p.first && p.seen <= p.first+maxEnds:
			p.ends = append(p.ends, at)
		case !t.Anyway:
			return errManyEnds
		}
		return nil
	}
	names := []string{rest[0]}
	if hasPattern(rest[0]) {
		all, err := listed(sys, at.fd)
		if err != nil {
			return err
		}
		if names, err = p.folders(sys, t, at.fd, matching(all, rest[0])); err != nil {
			return err
		}
	}
	for _, name := range names {
		fd, err := p.folder(sys, at.fd, name)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return err
		}
		before := len(p.ends)
		err = p.spread(sys, t, end{fd, at.above + name + "/"}, rest[1:])
		if !slices.ContainsFunc(p.ends[before:], func(e end) bool { return e.fd == fd }) {
			sys.Close(fd)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// folders leaves out of what a pattern matches what the target keeps, and what can
// have nothing below it. A link stays among them, to be refused.
func (p *place) folders(sys Sys, t Target, dir int, names []string) (left []string, err error) {
	for _, name := range names {
		if t.keeps(name) {
			continue
		}
		st, err := sys.StatAt(dir, name)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot examine an item: %w", err)
		}
		if st.is(unix.S_IFDIR) || st.is(unix.S_IFLNK) {
			left = append(left, name)
		}
	}
	return left, nil
}

func matching(names []string, pattern string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		matches, err := path.Match(pattern, name)
		return err != nil || !matches
	})
}

// parts lists what of the target is there, without what it keeps: the names that
// match the last part of its path.
func (p *place) parts(sys Sys, t Target) (all []part, err error) {
	for _, e := range p.ends {
		names, err := e.names(sys, t)
		if err != nil {
			return nil, err
		}
		all = append(all, part{e, names})
	}
	return all, nil
}

func (e end) names(sys Sys, t Target) ([]string, error) {
	_, last := t.way()
	if !hasPattern(last) {
		if t.keeps(last) {
			return nil, nil
		}
		_, err := sys.StatAt(e.fd, last)
		if errors.Is(err, unix.ENOENT) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot examine the target: %w", err)
		}
		return []string{last}, nil
	}
	all, err := listed(sys, e.fd)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(matching(all, last), func(name string) bool {
		return t.keeps(name) || slices.Contains(t.Spare, name)
	}), nil
}
