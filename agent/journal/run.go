package journal

import (
	"errors"
	"fmt"
)

// The outcomes of a run.
const (
	Running   = "running"
	Done      = "done"
	Undone    = "undone"
	Cancelled = "cancelled"
)

// The states of a step on disk.
//
//	(absent) ──▶ doing ──▶ done ──▶ undone
//	             ▲   │ ╲            (reversible steps only)
//	             └───┘  ╲─▶ open    (final steps only)
//	        tried again after an error or a cut; "again" goes back to (absent)
const (
	stateDoing  = "doing"
	stateDone   = "done"
	stateUndone = "undone"
	stateOpen   = "open"
)

// ErrOther means that another command is running or was carried out.
var ErrOther = errors.New("another command is in the journal")

// Run is the case in the journal.
type Run struct {
	Name    string `json:"name"` // the command's digest
	Outcome string `json:"outcome"`
	Crossed bool   `json:"crossed"`
	Begun   int64  `json:"begun"` // Unix milliseconds
	Ended   int64  `json:"ended,omitempty"`
	Code    string `json:"code,omitempty"`   // of what made it give up
	Reason  string `json:"reason,omitempty"` // the same in words
}

// Status is one step on disk; times are Unix milliseconds.
type Status struct {
	State    string `json:"state"`
	Tries    int    `json:"tries"`
	Started  int64  `json:"started,omitempty"`
	Finished int64  `json:"finished,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// Order is what Begin writes down, all in one transaction: check 18.
type Order struct {
	Name    string         // the command's digest
	ID      string         // its single-use id, consumed by this
	Seq     int64          // its number
	Notes   map[string]any // what the steps will read
	Parcels []Parcel
}

// Begin accepts a command: command, consumed id, number and challenge in one
// transaction. The same command again changes nothing; another one while one
// runs, or after one that unbound the terminal, is ErrOther. An earlier run
// that was undone or cancelled makes room.
func (j *Journal) Begin(o Order) error {
	err := j.store.Update(func(tx Tx) error {
		run, ok, err := readRun(tx)
		if err != nil {
			return err
		}
		if ok && run.Name == o.Name {
			return nil
		}
		if ok && (run.Outcome == Running || run.Outcome == Done) {
			return ErrOther
		}
		return j.begin(tx, o)
	})
	if err != nil {
		return fmt.Errorf("cannot begin: %w", err)
	}
	return nil
}

func (j *Journal) begin(tx Tx, o Order) error {
	for _, name := range [][]byte{bucketRun, bucketSteps, bucketNotes} {
		if err := tx.Empty(name); err != nil {
			return err
		}
	}
	if err := accept(tx, o.Name); err != nil {
		return err
	}
	n := j.note()
	for name, v := range o.Notes {
		if err := n.Keep(name, v); err != nil {
			return err
		}
	}
	n.sent = o.Parcels
	if err := n.write(tx); err != nil {
		return err
	}
	if err := consume(tx, o.ID, o.Seq); err != nil {
		return err
	}
	return writeRun(tx, Run{Name: o.Name, Outcome: Running, Begun: j.now().UnixMilli()})
}

// Current is the run in the journal; false where there was never one.
func (j *Journal) Current() (r Run, ok bool, err error) {
	err = j.store.View(func(tx Tx) error {
		r, ok, err = readRun(tx)
		return err
	})
	return r, ok, err
}

// Cancel writes down that the command is taken back; false after the point of
// no return or when nothing runs. The steps see it at once.
func (j *Journal) Cancel() (ok bool, err error) {
	err = j.store.Update(func(tx Tx) error {
		run, there, err := readRun(tx)
		if err != nil || !there || run.Crossed || run.Outcome != Running {
			return err
		}
		ok = true
		return tx.Put(bucketRun, keyCancel, []byte{1})
	})
	return ok, err
}

func (j *Journal) cancelled() (yes bool, err error) {
	err = j.store.View(func(tx Tx) error {
		yes = tx.Get(bucketRun, keyCancel) != nil
		return nil
	})
	return yes, err
}

// Steps reads the status of every step that has one.
func (j *Journal) Steps() (map[string]Status, error) {
	all := map[string]Status{}
	err := j.store.View(func(tx Tx) error {
		return tx.Each(bucketSteps, func(name, b []byte) error {
			var s Status
			if err := read(tx, b, &s); err != nil {
				return err
			}
			all[string(name)] = s
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the steps: %w", err)
	}
	return all, nil
}

func readRun(tx Tx) (r Run, ok bool, err error) {
	b := tx.Get(bucketRun, keyHead)
	if b == nil {
		return r, false, nil
	}
	return r, true, read(tx, b, &r)
}

func writeRun(tx Tx, r Run) error {
	b, err := write(tx, r)
	if err != nil {
		return err
	}
	return tx.Put(bucketRun, keyHead, b)
}

func readStatus(tx Tx, name string) (s Status, err error) {
	b := tx.Get(bucketSteps, []byte(name))
	if b == nil {
		return s, nil
	}
	return s, read(tx, b, &s)
}

func writeStatus(tx Tx, name string, s Status) error {
	b, err := write(tx, s)
	if err != nil {
		return err
	}
	return tx.Put(bucketSteps, []byte(name), b)
}
