package device_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"

	"unbindd/device"
)

// TestPowerCutsInTheErase takes the power at every point and brings it back.
func TestPowerCutsInTheErase(t *testing.T) {
	b := newBench(t)
	cuts := []string{"cut-before-answer"}
	for k := range len(b.scope()) + 1 {
		cuts = append(cuts, fmt.Sprintf("cut-after=%d", k))
	}
	for _, cut := range cuts {
		t.Run(cut, func(t *testing.T) {
			b := newBench(t, cut)
			r := b.reader()
			if _, err := b.erase(r); !errors.Is(err, device.ErrHangup) {
				t.Fatalf("error %v", err)
			}
			<-b.sim.Done()
			must(t, b.sim.Close())
			b.start()
			identifyWhenBack(t, r)
			record, known, err := r.EraseStatus(testContext(t), order)
			must(t, err)
			if !known {
				t.Fatal("a started erase was forgotten")
			}
			must(t, record.Verify(ed25519.PublicKey(b.injection.Pub)))
			for _, res := range record.Results {
				if full := res.Slot != 0x31; full != (res.Result == device.ResultErased) {
					t.Errorf("slot %d: result %d", res.Slot, res.Result)
				}
			}
			if left := b.answering(r); len(left) > 0 {
				t.Errorf("slots %v answer", left)
			}
			b.overwrittenOnce()
		})
	}
}

func TestPowerCutBeforeTheEraseLeavesEverything(t *testing.T) {
	b := newBench(t, "cut-before-journal")
	r := b.reader()
	if _, err := b.erase(r); !errors.Is(err, device.ErrHangup) {
		t.Fatalf("error %v", err)
	}
	<-b.sim.Done()
	must(t, b.sim.Close())
	b.start()
	identifyWhenBack(t, r)
	if _, known, err := r.EraseStatus(testContext(t), order); known || err != nil {
		t.Errorf("status: %v %v", known, err)
	}
	b.untouched(r)
}

func TestReadersThatDoWrong(t *testing.T) {
	t.Run("refuses", func(t *testing.T) {
		b := newBench(t, "refuses")
		r := b.reader()
		if _, err := b.erase(r); !refusedWith(err, device.CodeEraseRefused) {
			t.Errorf("error %v", err)
		}
		b.untouched(r)
	})
	t.Run("half", func(t *testing.T) {
		b := newBench(t, "half")
		r := b.reader()
		record, err := b.erase(r)
		must(t, err)
		failed := 0
		for _, res := range record.Results {
			if res.Result == device.ResultFailed {
				failed++
			}
		}
		if left := len(b.answering(r)); failed == 0 || failed != left || left != b.listed(r) {
			t.Errorf("%d failed, %d answer, %d listed", failed, left, b.listed(r))
		}
		// Repaired, the same order ends with another ticket.
		must(t, b.sim.ClearFaults())
		second, err := b.erase(r)
		must(t, err)
		if left := b.answering(r); len(left) > 0 || second.EraseCounter != 2 {
			t.Errorf("slots %v answer, counter %d", left, second.EraseCounter)
		}
	})
	t.Run("lies-hides-from-list", func(t *testing.T) {
		b := newBench(t, "lies-hides-from-list")
		r := b.reader()
		_, err := b.erase(r)
		must(t, err)
		if b.listed(r) != 0 || len(b.answering(r)) == 0 {
			t.Errorf("%d listed, %d answer", b.listed(r), len(b.answering(r)))
		}
	})
	t.Run("lies-keeps", func(t *testing.T) {
		b := newBench(t, "lies-keeps")
		r := b.reader()
		_, err := b.erase(r)
		must(t, err)
		if b.listed(r) == 0 {
			t.Error("nothing is listed")
		}
	})
	t.Run("lies-until-reboot", func(t *testing.T) {
		b := newBench(t, "lies-until-reboot")
		r := b.reader()
		_, err := b.erase(r)
		must(t, err)
		if b.listed(r) != 0 || len(b.answering(r)) != 0 {
			t.Error("the lie shows too early")
		}
		must(t, r.Reboot(testContext(t)))
		if b.listed(r) == 0 || len(b.answering(r)) == 0 {
			t.Error("the keys are really gone")
		}
	})
}

func TestUnpluggedInTheCommitIsUnknownAndAsked(t *testing.T) {
	b := newBench(t)
	r := b.reader()
	c, err := r.BeginErase(testContext(t), order, b.scope())
	must(t, err)
	b.fault("silent")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := r.CommitErase(ctx, b.ticket(c, b.scope()), hostNonce); done <- err }()
	must(t, b.sim.Unplug())
	if err := <-done; !errors.Is(err, device.ErrHangup) && !errors.Is(err, device.ErrAbsent) {
		t.Errorf("error %v", err)
	}
	cancel()
	must(t, b.sim.ClearFaults())
	must(t, b.sim.Plug())
	identifyWhenBack(t, r)
	if _, known, err := r.EraseStatus(testContext(t), order); known || err != nil {
		t.Errorf("status: %v %v", known, err)
	}
	b.untouched(r) // nothing was repeated on the new line
}
