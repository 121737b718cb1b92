package ledger

import (
	"context"
	"errors"
	"os"
	"testing"
)

// A patrol reads every segment, while others append and begin the next one.
func TestPatrolBesideAppend(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 2)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			n := l.Last("PX7-1") + 1
			if _, err := l.Append("PX7-1", sales("PX7-1", n, n+49)); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 5 {
		if err := l.Patrol(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	mustVerify(t, l)
}

// A record that cannot be opened, in whichever segment, is found, and nothing is
// written to the ledger after that.
func TestPatrolFindsDamage(t *testing.T) {
	for segment := uint64(1); segment <= 3; segment++ {
		l, dir := newLedger(t, small)
		fill(t, l, dir, 3)
		mustAppend(t, l, "PX7-1", sales("PX7-1", l.Last("PX7-1")+1, l.Last("PX7-1")+40)...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		spoil(t, dir, segment)
		o := testOptions()
		small(&o)
		l = mustOpen(t, dir, o)
		if err := l.Patrol(context.Background()); !errors.Is(err, ErrDamaged) {
			t.Errorf("segment %d: %v", segment, err)
		}
		n := l.Last("PX7-1") + 1
		if _, err := l.Append("PX7-1", sales("PX7-1", n, n)); !errors.Is(err, ErrDamaged) {
			t.Errorf("segment %d was written on: %v", segment, err)
		}
	}
}

// spoil turns one bit of a record in the middle of a segment.
func spoil(t *testing.T, dir string, segment uint64) {
	t.Helper()
	o := testOptions()
	l, err := prepare(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	db, st, err := openSegment(dir, l.sealer, segment, o.MaxSegment, true)
	if err != nil {
		t.Fatal(err)
	}
	middle := seqKey((st.base.Seq + st.running.head.Seq) / 2)
	if err := db.close(); err != nil {
		t.Fatal(err)
	}
	path := segmentPath(dir, segment)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 2 * pageSize; at+8+60 < len(file); at++ {
		if string(file[at:at+8]) == string(middle) {
			file[at+60] ^= 1
		}
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A patrol that is cancelled says so, and is no damage.
func TestPatrolEndsWithItsContext(t *testing.T) {
	l, dir := newLedger(t, small)
	fill(t, l, dir, 2)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := l.Patrol(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	n := l.Last("PX7-1") + 1
	mustAppend(t, l, "PX7-1", sales("PX7-1", n, n)...)
}
