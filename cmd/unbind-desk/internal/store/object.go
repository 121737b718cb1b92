package store

import (
	"errors"
	"fmt"
	"strings"

	"unbindd/agent/envelope"
)

// Secrets is what an enrolment keeps beside its record: they are bytes of their
// own, so that no record that is printed or exported ever carries them.
type Secrets struct {
	Salt    []byte // 16 bytes, for the element digests
	Pairing []byte // the reader's pairing key; nil once the terminal has it
	Answer  []byte // the answer that was given, which holds both
}

// PutSecrets writes an enrolment's secrets; empty ones are removed.
func (t *Tx) PutSecrets(nonce envelope.ID, s Secrets) error {
	for bucket, value := range map[string][]byte{inSalts: s.Salt, inPairings: s.Pairing, inAnswers: s.Answer} {
		var err error
		if len(value) == 0 {
			err = t.bucket(bucket).Delete([]byte(nonce))
		} else {
			err = t.bucket(bucket).Put([]byte(nonce), value)
		}
		if err != nil {
			return fmt.Errorf("cannot write an enrolment: %w", err)
		}
	}
	return nil
}

// Secrets reads an enrolment's secrets.
func (t *Tx) Secrets(nonce envelope.ID) Secrets {
	read := func(bucket string) []byte {
		raw := t.bucket(bucket).Get([]byte(nonce))
		return append([]byte(nil), raw...) // the file's own bytes die with the transaction
	}
	return Secrets{Salt: read(inSalts), Pairing: read(inPairings), Answer: read(inAnswers)}
}

func (k Key) text() string { return string(k.Case) + "\x00" + k.Kind + "\x00" + number(k.N) }

// Object reads one object.
func (t *Tx) Object(k Key) (Object, error) { return get[Object](t, inObjects, k.text()) }

// AddObject writes a new object and gives it the next leaf of the log, in the
// same transaction; it never writes over one.
func (t *Tx) AddObject(k Key, o Object) (Object, error) {
	if _, err := t.Object(k); !errors.Is(err, ErrAbsent) {
		return o, errors.Join(errors.New("cannot write an object: there is one already"), err)
	}
	leaf, err := t.append(o.Digest)
	if err != nil {
		return o, err
	}
	o.N, o.Leaf = k.N, leaf
	return o, put(t, inObjects, k.text(), o)
}

// append adds a leaf: a line of the log is never changed or removed.
func (t *Tx) append(d envelope.Digest) (int64, error) {
	next, err := t.bucket(inLog).NextSequence()
	if err != nil {
		return 0, fmt.Errorf("cannot write the log: %w", err)
	}
	leaf := int64(next) - 1
	return leaf, put(t, inLog, number(leaf), d)
}

// Leaf reads one leaf of the log.
func (t *Tx) Leaf(n int64) (envelope.Digest, error) {
	return get[envelope.Digest](t, inLog, number(n))
}

// Objects calls each for every object of a case and kind, by number.
func (t *Tx) Objects(id envelope.ID, kind string, each func(Object) error) error {
	return all(t, inObjects, string(id)+"\x00"+kind+"\x00", func(_ string, o Object) error { return each(o) })
}

// Newest reads the object of a kind with the highest number.
func (t *Tx) Newest(id envelope.ID, kind string) (newest Object, err error) {
	err = t.Objects(id, kind, func(o Object) error { newest = o; return nil })
	if err == nil && newest.N == 0 {
		err = ErrAbsent
	}
	return newest, err
}

// Kinds calls each for every object of a case, by kind and number.
func (t *Tx) Kinds(id envelope.ID, each func(kind string, o Object) error) error {
	return all(t, inObjects, string(id)+"\x00", func(key string, o Object) error {
		_, rest, _ := strings.Cut(key, "\x00")
		kind, _, _ := strings.Cut(rest, "\x00")
		return each(kind, o)
	})
}

// Note adds a line to a case's history.
func (t *Tx) Note(id envelope.ID, e Entry) error {
	n, err := t.bucket(inHistory).NextSequence()
	if err != nil {
		return fmt.Errorf("cannot write the history: %w", err)
	}
	return put(t, inHistory, string(id)+"\x00"+number(int64(n)), e)
}

// History returns a case's history, oldest first.
func (t *Tx) History(id envelope.ID) (history []Entry, err error) {
	err = all(t, inHistory, string(id)+"\x00", func(_ string, e Entry) error { history = append(history, e); return nil })
	return history, err
}
