package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"unbindd/agent/envelope"
)

const (
	inTerminals  = "terminals"
	inEnrolments = "enrolments"
	inAnswers    = "answers" // enrolment answers; they hold pairing keys
	inPairings   = "pairings"
	inSalts      = "salts"
	inBindings   = "bindings"
	inClients    = "clients"
	inCases      = "cases"
	inObjects    = "objects"
	inHistory    = "history"
	inLog        = "log"
	inTrust      = "trust"
	inProfiles   = "profiles"
	inCounters   = "counters"
)

var buckets = []string{
	inTerminals, inEnrolments, inAnswers, inPairings, inSalts, inBindings, inClients, inCases, inObjects,
	inHistory, inLog, inTrust, inProfiles, inCounters,
}

// Tx is one transaction.
type Tx struct{ tx *bbolt.Tx }

func (t *Tx) bucket(name string) *bbolt.Bucket { return t.tx.Bucket([]byte(name)) }

// get reads a record; ErrAbsent when there is none.
func get[T any](t *Tx, bucket, key string) (T, error) {
	var v T
	raw := t.bucket(bucket).Get([]byte(key))
	if raw == nil {
		return v, ErrAbsent
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("cannot read a record of %s: %w", bucket, err)
	}
	return v, nil
}

func put(t *Tx, bucket, key string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write a record of %s: %w", bucket, err)
	}
	return t.bucket(bucket).Put([]byte(key), raw)
}

// all reads every record whose key begins with prefix, in order.
func all[T any](t *Tx, bucket, prefix string, each func(key string, v T) error) error {
	c := t.bucket(bucket).Cursor()
	for k, raw := c.Seek([]byte(prefix)); k != nil && len(k) >= len(prefix) && string(k[:len(prefix)]) == prefix; k, raw = c.Next() {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("cannot read a record of %s: %w", bucket, err)
		}
		if err := each(string(k), v); err != nil {
			return err
		}
	}
	return nil
}

// number makes a key part that sorts as the number does.
func number(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// Terminal reads a terminal.
func (t *Tx) Terminal(id envelope.ID) (Terminal, error) {
	return get[Terminal](t, inTerminals, string(id))
}

// PutTerminal writes a terminal.
func (t *Tx) PutTerminal(v Terminal) error { return put(t, inTerminals, string(v.ID), v) }

// Enrolment reads an enrolment by its ticket's nonce.
func (t *Tx) Enrolment(nonce envelope.ID) (Enrolment, error) {
	return get[Enrolment](t, inEnrolments, string(nonce))
}

// PutEnrolment writes an enrolment.
func (t *Tx) PutEnrolment(v Enrolment) error { return put(t, inEnrolments, string(v.Nonce), v) }

// Binding reads a binding by its digest.
func (t *Tx) Binding(d envelope.Digest) (Binding, error) {
	return get[Binding](t, inBindings, string(d))
}

// PutBinding writes a binding.
func (t *Tx) PutBinding(v Binding) error { return put(t, inBindings, string(v.Digest), v) }

// Client reads what is known of a client certificate by its key's digest.
func (t *Tx) Client(spki envelope.Digest) (Client, error) {
	return get[Client](t, inClients, string(spki))
}

// PutClient writes a client certificate.
func (t *Tx) PutClient(v Client) error { return put(t, inClients, string(v.SPKI), v) }

// Case reads a case.
func (t *Tx) Case(id envelope.ID) (Case, error) { return get[Case](t, inCases, string(id)) }

// PutCase writes a case.
func (t *Tx) PutCase(v Case) error { return put(t, inCases, string(v.ID), v) }

// Cases calls each for every case, by id.
func (t *Tx) Cases(each func(Case) error) error {
	return all(t, inCases, "", func(_ string, c Case) error { return each(c) })
}

// Trust reads a trust bundle's envelope by version.
func (t *Tx) Trust(version int64) ([]byte, error) {
	return get[[]byte](t, inTrust, number(version))
}

// PutTrust writes a trust bundle's envelope.
func (t *Tx) PutTrust(version int64, body []byte) error {
	return put(t, inTrust, number(version), body)
}

// Bundles returns every trust bundle's envelope, oldest first.
func (t *Tx) Bundles() (bundles [][]byte, err error) {
	err = all(t, inTrust, "", func(_ string, b []byte) error { bundles = append(bundles, b); return nil })
	return bundles, err
}

// PutProfile writes a profile's envelope.
func (t *Tx) PutProfile(id envelope.ID, body []byte) error {
	return put(t, inProfiles, string(id), body)
}

// Profile reads a profile's envelope.
func (t *Tx) Profile(id envelope.ID) ([]byte, error) {
	return get[[]byte](t, inProfiles, string(id))
}

// Profiles returns every profile's envelope, by id.
func (t *Tx) Profiles() (profiles [][]byte, err error) {
	err = all(t, inProfiles, "", func(_ string, b []byte) error { profiles = append(profiles, b); return nil })
	return profiles, err
}

// Count returns the next number of a counter, from 1.
func (t *Tx) Count(name string) (int64, error) {
	n, err := get[int64](t, inCounters, name)
	if err != nil && !errors.Is(err, ErrAbsent) {
		return 0, err
	}
	return n + 1, put(t, inCounters, name, n+1)
}
