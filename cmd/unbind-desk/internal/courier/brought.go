package courier

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"unbindd/transport"
)

// order is the order in which a case's objects are handed in: a file after the
// manifest that announces it, what a terminal says of the end at the end.
var order = []string{"manifest", "backup", "answer", "acceptance", "certificate", "tombstone"}

// bring hands in what a terminal put out in one case, and lays down what it gets for it.
func (t *Trip) bring(ctx context.Context, terminal, id string) error {
	objects, strange, err := t.folder.Out(terminal, id)
	if err != nil {
		t.Tell(Word{Terminal: terminal, Case: id, Outcome: Refused, Err: err})
		return nil
	}
	for _, name := range strange {
		t.Tell(Word{Terminal: terminal, Case: id, Object: name, Outcome: Strange})
	}
	slices.SortFunc(objects, func(a, b transport.Object) int {
		return cmp.Or(slices.Index(order, a.Kind)-slices.Index(order, b.Kind), cmp.Compare(a.N, b.N))
	})
	for _, o := range objects {
		w := Word{Terminal: terminal, Case: id, Object: nameOf(o), Outcome: Strange}
		if slices.Contains(order, o.Kind) {
			w.Outcome, w.Err = t.handIn(ctx, terminal, o)
		}
		if t.Ends(w.Err) {
			return w.Err
		}
		t.Tell(w)
	}
	return t.tickets(ctx, terminal, objects)
}

func nameOf(o transport.Object) string { return fmt.Sprintf("%s-%d", o.Kind, o.N) }

// handIn hands one object in, and lays the receipt down.
func (t *Trip) handIn(ctx context.Context, terminal string, o transport.Object) (Outcome, error) {
	receipt, err := t.deliver(ctx, terminal, o)
	switch {
	case t.Nothing(err) && !t.unknown(err):
		return Kept, nil
	case err != nil:
		return Refused, err
	}
	name := transport.Object{Case: o.Case, Kind: "receipt-" + o.Kind, N: o.N}
	if _, err := t.folder.Give(ctx, terminal, name, receipt); err != nil {
		return Refused, err
	}
	return Receipted, nil
}

// deliver hands the bytes in. A sealed file is read twice and never held: once for the
// digest that is announced, once for the desk, which compares.
func (t *Trip) deliver(ctx context.Context, terminal string, o transport.Object) (receipt []byte, err error) {
	if o.Kind != "backup" {
		body, err := t.folder.Read(terminal, o)
		if err != nil {
			return nil, err
		}
		return t.Desk.Deliver(ctx, terminal, o.Case, o.Kind, o.N, int64(len(body)), "", bytes.NewReader(body))
	}
	file, _, err := t.folder.Open(terminal, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", nameOf(o), err)
	}
	return t.Desk.Deliver(ctx, terminal, o.Case, o.Kind, o.N, size, "sha256:"+hex.EncodeToString(sum.Sum(nil)), io.LimitReader(file, size))
}
