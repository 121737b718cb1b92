package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"unbindd/agent/local"
)

const (
	smallRounds = 5
	largeRounds = 3
	overTheLine = 100 // of the transactions, the newest; the others are filled in
)

// unbinding is what one round yields; times in seconds, sizes in bytes.
type unbinding struct {
	fill, open, whole float64
	ledger            int64
	spans             []span
	memory            []reading
	stock             stock
}

// unbindings measures the whole job on a ledger of n transactions. Further
// rounds begin only when there is time for them.
func (b *bench) unbindings(n, rounds int) error {
	if n == 0 {
		return nil
	}
	if n <= overTheLine {
		return fmt.Errorf("a ledger needs more than %d transactions", overTheLine)
	}
	var all []unbinding
	for round := range rounds {
		began := time.Now()
		u, err := b.unbinding(n)
		if err != nil {
			return err
		}
		all = append(all, u)
		b.say("  round %d: %s", round+1, seconds(u.whole))
		if took := time.Since(began); b.left() < took*3/2+reserve {
			break
		}
	}
	b.page.unbindings(n, all)
	return nil
}

// reserve is kept for ending everything and writing the page.
const reserve = 20 * time.Second

func (b *bench) unbinding(n int) (u unbinding, err error) {
	t, err := b.newTerminal(func(t *terminal) (string, error) {
		return t.plug("--generate", strconv.Itoa(overTheLine), "--close-batch")
	})
	if err != nil {
		return u, err
	}
	defer func() { err = errors.Join(err, t.end()) }()
	began := time.Now()
	if err := t.fill(n - overTheLine); err != nil {
		return u, err
	}
	u.fill = time.Since(began).Seconds()
	if err := t.unbind(n, &u); err != nil {
		return u, err
	}
	end, err := t.client().Status(b.ctx)
	if err != nil {
		return u, err
	}
	if end.Tombstone == nil || end.Tombstone.Result != "complete" {
		return u, errors.New("the unbinding did not end complete")
	}
	if err := t.daemon.stop(); err != nil {
		return u, err
	}
	u.stock, err = t.byStock(end.Tombstone.Case, u.ledger)
	return u, err
}

// unbind starts the daemon, orders, and waits for the end: the mode, and that
// the journal is gone.
func (t *terminal) unbind(n int, u *unbinding) error {
	began := time.Now()
	if err := t.run(); err != nil {
		return err
	}
	memory := watchMemory(t.daemon.cmd.Process.Pid)
	defer func() { u.memory = memory.stop() }()
	opened, err := t.until("the ledger", func(s local.Status) bool { return held(s) >= n-overTheLine })
	if err != nil {
		return err
	}
	u.open = opened.Sub(began).Seconds()
	_, err = t.until("the closed batch", func(s local.Status) bool { return held(s) == n && s.Ledger.Events == 1 })
	if err != nil {
		return err
	}
	if u.ledger, err = treeSize(t.path("state", "ledger")); err != nil {
		return err
	}
	steps := t.follow(t.b.ctx)
	if err := t.order(); err != nil {
		return err
	}
	<-steps.ended
	if steps.err != nil && steps.find("tombstone") == nil || len(steps.spans) == 0 {
		return fmt.Errorf("the events broke off: %w\n%s", steps.err, t.daemon.log.String())
	}
	u.spans = steps.spans
	if err := t.gone(t.path("state", "journal.db")); err != nil {
		return err
	}
	u.whole = float64(time.Now().UnixMilli()-u.spans[0].began) / 1000
	return nil
}

// gone waits until a file is no more.
func (t *terminal) gone(path string) error {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-t.daemon.done:
			return fmt.Errorf("unbindd ended before its journal was gone:\n%s", t.daemon.log.String())
		case <-t.b.ctx.Done():
			return t.b.ctx.Err()
		}
	}
}
