package store

import "unbindd/agent/envelope"

// Part is a file that comes in pieces: Offset bytes of it are durable with the
// keeper of blobs, to which State and Tail belong.
type Part struct {
	Key     Key             `json:"key"`
	Digest  envelope.Digest `json:"digest"` // announced
	Size    int64           `json:"size"`   // announced
	Offset  int64           `json:"offset"`
	State   []byte          `json:"state"`
	Tail    []byte          `json:"tail"`
	Touched int64           `json:"touched"` // when something was last done with it
}

// Part reads a part; ErrAbsent when there is none.
func (t *Tx) Part(k Key) (Part, error) { return get[Part](t, inParts, k.text()) }

// PutPart writes a part.
func (t *Tx) PutPart(p Part) error { return put(t, inParts, p.Key.text(), p) }

// DropPart removes a part's record; one that is not there is no error.
func (t *Tx) DropPart(k Key) error { return t.rows.Remove(inParts, k.text()) }

// Parts calls each for every part, with the name of its row, and why it cannot be read
// where it cannot.
func (t *Tx) Parts(each func(row string, p Part, unread error) error) error {
	return all(t, inParts, "", "", func(key string, r asItIs) error {
		var p Part
		err := read(inParts, r, &p)
		return each(key, p, err)
	})
}

// asItIs is a record that is not read yet.
type asItIs []byte

func (r *asItIs) scan(raw []byte) bool { *r = raw; return true }
