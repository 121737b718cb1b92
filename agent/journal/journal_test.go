package journal

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
)

func TestMemoryOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	steps := []error{
		j.SetChallenge(Challenge{Value: "CH", Uptime: 5}), j.RaiseFloor(100), j.RaiseFloor(50),
		j.Begin(Order{Name: "cmd", ID: "id-1", Seq: 7, Notes: map[string]any{"a": 1}, Parcels: []Parcel{{Case: "c", Kind: "answer", N: 1, Body: []byte("x")}}}),
		j.Post(Parcel{Case: "c", Kind: "answer", N: 2}), j.Close(),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	seq, _ := j.LastSeq()
	floor, _ := j.Floor()
	_, outstanding, _ := j.Challenge()
	ids, _ := j.ConsumedIDs()
	box, _ := j.Outbox()
	var a int
	kept, _ := j.Get("a", &a)
	if seq != 7 || floor != 100 || outstanding || !slices.Equal(ids, []string{"id-1"}) || len(box) != 2 || !kept || a != 1 {
		t.Errorf("seq %d floor %d challenge %v ids %v outbox %d note %v", seq, floor, outstanding, ids, len(box), kept)
	}
	if err := j.Delivered(box[0].ID, Seen{}); err != nil {
		t.Fatal(err)
	}
	if box, _ = j.Outbox(); len(box) != 1 || box[0].N != 2 {
		t.Errorf("outbox %v", box)
	}
	n1, _ := j.Number("c", "answer")
	n2, _ := j.Number("c", "answer")
	other, _ := j.Number("d", "answer")
	if n1 != 1 || n2 != 2 || other != 1 {
		t.Errorf("numbers %d %d %d", n1, n2, other)
	}
}

func TestASecondOpenerIsToldWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if _, err := Open(path, Options{}); !errors.Is(err, ErrAbsent) {
		t.Errorf("absent: %v", err)
	}
	j, err := Create(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("locked: %v", err)
	}
}

func TestTheSecondCommandWhileOneRunsIsRefused(t *testing.T) {
	j := begun(t)
	if err := j.Begin(Order{Name: "other", ID: "id-2", Seq: 2}); !errors.Is(err, ErrOther) {
		t.Errorf("got %v", err)
	}
	if used, _ := j.Consumed("id-2"); used {
		t.Error("a refused command was consumed")
	}
}
