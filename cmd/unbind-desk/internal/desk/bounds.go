package desk

import (
	"errors"
	"strconv"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/grounds"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Bounds are how much one terminal, one case and the desk as a whole may keep. What goes
// beyond one is put off, with ErrFull: a terminal must not drop what it has to deliver.
type Bounds struct {
	Objects int64 // manifests of a case, and as many of each other kind but answers
	Answers int64 // answers in a case
	Files   int64 // bytes of the sealed files of a case
	Strays  int64 // answers of a terminal that belong to no case, in a day (UTC)
	Free    int64 // bytes of the disk that files leave free; records leave a quarter of it
}

// DefaultBounds are those of a desk that is told nothing else. A terminal seals anew
// after a reader was changed or an amendment came: a handful of times.
func DefaultBounds() Bounds {
	return Bounds{Objects: 64, Answers: 256, Files: 8 << 30, Strays: 100, Free: 256 << 20}
}

// within refuses an object whose number is beyond the bound of its kind. Numbers count
// from 1 and no two objects have one, so that nothing need be counted.
func (b Bounds) within(k store.Key) error {
	most := b.Objects
	if k.Kind == grounds.KindAnswer {
		most = b.Answers
	}
	if k.N <= most {
		return nil
	}
	return refuse(ErrFull, "E27", "case", "cannot keep %s %d: a case has at most %d of them", k.Kind, k.N, most)
}

// leaves refuses what would leave less of the disk free than a mark.
func (d *Desk) leaves(mark, wanted int64) error {
	if d.Left == nil {
		return nil
	}
	left, err := d.Left()
	if err == nil && left-wanted < mark {
		err = refuse(ErrFull, "E27", "space", "cannot keep it: the desk's disk is full to its mark")
	}
	return err
}

// grow is commit for what adds to the store. Below the mark it is refused, so that there
// is room for the commits of what is there already: a commit that finds none ends the desk.
func (d *Desk) grow(what string, f func(*store.Tx) error) error {
	if err := d.leaves(d.Bounds.Free/4, 0); err != nil {
		return err
	}
	return d.commit(what, f)
}

// filed counts a file into its case before it takes the room, and refuses it beyond the
// bound.
func (d *Desk) filed(tx *store.Tx, k store.Key, size int64) error {
	have, err := tx.Counted(filesOf(k.Case))
	if err == nil {
		err = d.fitsCase(k, have, size)
	}
	if err != nil {
		return err
	}
	return tx.SetCounted(filesOf(k.Case), have+size)
}

// unfull refuses a file that its case has no room for, before any of it is read. One in
// pieces that is open has its room.
func (d *Desk) unfull(tx *store.Tx, k store.Key, size int64) error {
	have, err := tx.Counted(filesOf(k.Case))
	if err != nil {
		return err
	}
	full := d.fitsCase(k, have, size)
	if full == nil {
		return nil
	}
	if _, err := tx.Part(k); err == nil || store.Spoilt(err) && !errors.Is(err, store.ErrAbsent) {
		return nil
	}
	return full
}

func (d *Desk) fitsCase(k store.Key, have, size int64) error {
	if have+size <= d.Bounds.Files {
		return nil
	}
	return refuse(ErrFull, "E27", "case", "cannot take the file: case %s has %d bytes of files, and at most %d", k.Case, have, d.Bounds.Files)
}

// unfiled drops a file in pieces, and gives its room back where nothing of it was kept.
func unfiled(tx *store.Tx, k store.Key) error {
	p, err := tx.Part(k)
	if errors.Is(err, store.ErrAbsent) {
		return nil
	}
	_, missing := tx.Object(k)
	if err == nil && errors.Is(missing, store.ErrAbsent) {
		var have int64
		if have, err = tx.Counted(filesOf(k.Case)); err == nil {
			err = tx.SetCounted(filesOf(k.Case), max(0, have-p.Size))
		}
	}
	if store.Spoilt(err) { // what it took is not known; the row goes all the same
		err = nil
	}
	return errors.Join(err, tx.DropPart(k))
}

func filesOf(id envelope.ID) string { return "files-" + string(id) }

// strayed counts an answer that belongs to no case, and refuses it beyond the bound of
// its terminal and day.
func (d *Desk) strayed(tx *store.Tx, terminal envelope.ID) error {
	day := d.now() / (24 * 60 * 60)
	s, err := tx.Strays(terminal)
	if err != nil {
		return err
	}
	if s.Day != day {
		s = store.Strays{Day: day}
	}
	if s.Count++; s.Count > d.Bounds.Strays {
		return refuse(ErrFull, "E27", "day", "cannot keep the answer: %s belonged to no case today already, and no more are kept", strconv.FormatInt(d.Bounds.Strays, 10))
	}
	return tx.PutStrays(terminal, s)
}
