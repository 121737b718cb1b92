package wipe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Survey is what Dry found: what an Erase would meet and how far it could get.
type Survey struct {
	Items    int64       `json:"items"`
	Bytes    int64       `json:"bytes"`
	Linked   int64       `json:"linked"` // files among them that have another name
	Type     string      `json:"type"`   // the file system's
	Best     Level       `json:"best"`   // the most that Erase could claim there
	Leaves   []string    `json:"leaves"` // code words for what even a good erase leaves there
	Blockers []Hindrance `json:"-"`
}

// Look tells what of the target is there, as paths below its root, leaving out
// what is to be kept and the folders around it. The paths may hold a
// customer's words: they are for deciding, not for logs.
func Look(sys Sys, t Target) (present []string, err error) {
	v := visit{sys: sys, target: t}
	v.each = func(path string, _ Stat) { present = append(present, path) }
	_, err = v.all()
	if err == nil {
		err = errors.Join(v.troubles...)
	}
	if err != nil {
		err = fmt.Errorf("cannot look for what is left: %w", err)
	}
	return present, err
}

// Dry tells what Erase would do, touching nothing.
func Dry(sys Sys, t Target) Survey {
	s := Survey{Blockers: []Hindrance{}, Leaves: []string{}, Type: unknownFilesystem.name, Best: LevelNone}
	v := visit{sys: sys, target: t}
	var met tally
	v.each = func(_ string, st Stat) {
		s.Items++
		if st.is(unix.S_IFREG) {
			s.Bytes += st.Size
		}
		met.add(st)
	}
	p, err := v.all()
	if err != nil {
		s.Blockers = append(s.Blockers, hindering(err))
		return s
	}
	s.Type, s.Best = p.fs.name, p.best(t.Depth)
	s.Leaves = leaves(p.fs, t.Encrypted)
	s.Blockers, s.Linked = append(s.Blockers, met.words()...), int64(met.linked)
	for _, err := range v.troubles {
		s.Blockers = append(s.Blockers, hindering(err))
	}
	if p.readonly && s.Items > 0 {
		s.Blockers = append(s.Blockers, Hindrance{Code: HindranceReadOnly})
	}
	if s.Items > 0 && s.Best.Rank() < t.Requested.Rank() {
		s.Blockers = append(s.Blockers, tooLittle(s.Type, s.Best, t.Requested))
	}
	s.Blockers = ordered(s.Blockers)
	return s
}

// tooLittle says that a place cannot give the level asked for.
func tooLittle(filesystem string, best, asked Level) Hindrance {
	return Hindrance{Code: HindranceLevel, Detail: fmt.Sprintf("%s gives %s at most, not %s", filesystem, best, asked)}
}

// tally counts what is told beforehand because of what it is.
type tally struct{ linked, special int }

func (m *tally) add(st Stat) {
	switch {
	case st.is(unix.S_IFREG) && st.Links > 1:
		m.linked++
	case !st.is(unix.S_IFREG) && !st.is(unix.S_IFDIR) && !st.is(unix.S_IFLNK):
		m.special++
	}
}

func (m *tally) words() (all []Hindrance) {
	if m.linked > 0 {
		all = append(all, Hindrance{Code: HindranceLinked, N: m.linked})
	}
	if m.special > 0 {
		all = append(all, Hindrance{Code: HindranceSpecial, N: m.special})
	}
	return all
}

// best is the most that may be claimed in this place.
func (p *place) best(depth Depth) Level {
	if p.probe.Journal == "data" && !(depth.reaches(DepthBlocks) && p.probe.CanCheckpoint) {
		return lower(p.fs.best, LevelLogical)
	}
	return p.fs.best
}

// Home is the number of the device that holds the place of a target, 0 if even
// its root is not there. Targets with one home need its free space given back
// once, after the last of them.
func Home(sys Sys, t Target) (uint64, error) {
	if err := t.Check(); err != nil {
		return 0, err
	}
	p, err := openPlace(sys, t)
	if err != nil {
		return 0, err
	}
	defer p.close(sys)
	return p.dev, nil
}

// visit walks over a target without touching it.
type visit struct {
	sys      Sys
	target   Target
	place    *place
	each     func(path string, st Stat)
	file     func(dir int, name string) // besides, for each regular file; may be nil
	troubles []error                    // what could not be looked into
}

// all visits every name of the target.
func (v *visit) all() (place, error) {
	if err := v.target.Check(); err != nil {
		return place{}, err
	}
	p, err := openPlace(v.sys, v.target)
	if err != nil {
		return place{}, err
	}
	defer p.close(v.sys)
	v.place = p
	for more := true; more; {
		parts, err := p.parts(v.sys, v.target)
		if err != nil {
			return place{}, err
		}
		for _, in := range parts {
			for _, name := range in.names {
				v.entry(in.fd, name, in.above+name)
			}
		}
		if more, err = p.next(v.sys, v.target); err != nil {
			return place{}, err
		}
	}
	return *p, nil
}

// entry visits one name and tells whether it or something below it is kept.
func (v *visit) entry(dir int, name, path string) (kept bool) {
	if v.target.keeps(name) {
		return true
	}
	st, err := v.sys.StatAt(dir, name)
	if errors.Is(err, unix.ENOENT) {
		return false
	}
	if err != nil {
		v.troubles = append(v.troubles, fmt.Errorf("cannot examine an item: %w", err))
		return false
	}
	if st.is(unix.S_IFDIR) && v.below(dir, name, path) {
		return true
	}
	v.each(path, st)
	if v.file != nil && st.is(unix.S_IFREG) {
		v.file(dir, name)
	}
	return false
}

func (v *visit) below(dir int, name, path string) (kept bool) {
	fd, err := v.place.folder(v.sys, dir, name)
	if err != nil {
		v.troubles = append(v.troubles, err)
		return false
	}
	defer v.sys.Close(fd)
	names, err := listed(v.sys, fd)
	if err != nil {
		v.troubles = append(v.troubles, err)
		return false
	}
	for _, n := range names {
		if v.entry(fd, n, path+"/"+n) {
			kept = true
		}
	}
	return kept
}
