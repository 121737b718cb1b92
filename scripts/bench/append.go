package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"unbindd/agent/keys"
	"unbindd/agent/ledger"
)

const (
	appendRounds = 7
	appendWrites = 150 // commits of one contender in one round
	appendGroup  = 64  // events that share a commit, as in trading
)

// contender makes bodies durable, all of them at once; n counts from 1.
type contender struct {
	name  string
	write func(events []ledger.Event) error
	close func() error
	next  int // number of the next event
}

// appends measures one durable append: ours, a plain file's, plain bbolt's.
func (b *bench) appends() (err error) {
	dir := filepath.Join(b.work, "append")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := table{
		title: "One durable append",
		intro: fmt.Sprintf("The same records of about %d bytes, ours sealed and chained on top; the median of %d commits in each of %d rounds,\nthe three taking turns. Each commit is on disk before the next begins. `append + fdatasync` is a plain file, the least\nthat durable can cost; bbolt is `Update` with one `Put` a record, its settings as they come.",
			len(body(readerNo, 1)), appendWrites, appendRounds),
		head: []string{"records a commit", "ledger.Append", "append + fdatasync", "bbolt Update", "ours / append", "ours / bbolt"},
	}
	for _, group := range []int{1, appendGroup} {
		row, err := b.appendRow(filepath.Join(dir, fmt.Sprint(group)), group)
		if err != nil {
			return err
		}
		t.rows = append(t.rows, row)
	}
	b.page.add(t)
	return nil
}

func (b *bench) appendRow(dir string, group int) (row []string, err error) {
	all, err := contenders(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close())
		}
	}()
	took := make([]sample, len(all))
	for round := range appendRounds {
		for i := range all {
			who := (i + round) % len(all)
			v, err := all[who].round(group, appendWrites)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[who].name, err)
			}
			took[who] = append(took[who], v.median()*1e6)
		}
		if b.ctx.Err() != nil {
			return nil, b.ctx.Err()
		}
	}
	return []string{
		fmt.Sprint(group), took[0].told(micros), took[1].told(micros), took[2].told(micros),
		took[0].over(took[1]).told(times), took[0].over(took[2]).told(times),
	}, nil
}

// contenders opens the three, empty, side by side.
func contenders(dir string) (all []*contender, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for _, open := range []func(string) (*contender, error){openLedger, openPlain, openBolt} {
		c, err := open(dir)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// round makes so many commits and returns the seconds of each; what they write
// is made before the clock runs.
func (c *contender) round(group, commits int) (sample, error) {
	took := make(sample, 0, commits)
	for range commits {
		events := sales(readerNo, c.next+1, group)
		c.next += group
		began := time.Now()
		if err := c.write(events); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began).Seconds())
	}
	return took, nil
}

func openLedger(dir string) (*contender, error) {
	store, err := keys.Create(filepath.Join(dir, "keys"), rand.Reader)
	if err != nil {
		return nil, err
	}
	aead, err := store.LedgerAEAD()
	if err != nil {
		return nil, err
	}
	l, err := ledger.Open(filepath.Join(dir, "ledger"), ledger.Options{AEAD: aead})
	if err != nil {
		return nil, err
	}
	write := func(events []ledger.Event) error {
		done, err := l.Append(readerNo, events)
		if err == nil && done.Added-len(done.Refused) != len(events) {
			err = errors.New("it refused a record")
		}
		return err
	}
	return &contender{name: "ledger", write: write, close: l.Close}, nil
}

func openPlain(dir string) (*contender, error) {
	f, err := os.OpenFile(filepath.Join(dir, "plain"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	write := func(events []ledger.Event) error {
		var all []byte
		for _, e := range events {
			all = append(all, e.Body...)
		}
		if _, err := f.Write(all); err != nil {
			return err
		}
		return syscall.Fdatasync(int(f.Fd()))
	}
	return &contender{name: "plain file", write: write, close: f.Close}, nil
}

func openBolt(dir string) (*contender, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt.db"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	bucket := []byte("r")
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	write := func(events []ledger.Event) error {
		return db.Update(func(tx *bbolt.Tx) error {
			for _, e := range events {
				if err := tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, e.Seq), e.Body); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return &contender{name: "bbolt", write: write, close: db.Close}, nil
}
