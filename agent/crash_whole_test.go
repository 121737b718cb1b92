package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"unbindd/agent/certificate"
	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/local"
	"unbindd/agent/manifest"
	"unbindd/agent/receipt"
	"unbindd/device"
	"unbindd/wipe"
)

// whole is a terminal as a power cut left it in the middle of its life, and what
// everybody else knows at that moment. The crash lab asks for one verdict on each
// of some ten thousand of them.
type whole struct {
	a       *Agent
	c       *caseFile // once there is one
	run     journal.Run
	began   bool
	crossed bool
	told    []string
	at      string
	acked   uint64          // the last event that the reader has let go
	erases  int             // that the reader has begun
	erased  int             // that the reader has ended
	blobs   map[string]bool // sealed files that the desk has kept, by digest
}

// judgeWhole opens the image as the daemon would, at the place where the terminal
// lived, and says what is wrong.
func judgeWhole(image string, told []string) (err error) {
	w := &whole{blobs: map[string]bool{}}
	for _, line := range told {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "at":
			w.at = rest
		case "acked":
			_, err = fmt.Sscan(rest, &w.acked)
		case "erases":
			_, err = fmt.Sscan(rest, &w.erases, &w.erased)
		case "blob":
			w.blobs[rest] = true
		default:
			w.told = append(w.told, line)
		}
		if err != nil {
			return err
		}
	}
	if err := syscall.Mount(image, w.at, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot look at the image: %w", err)
	}
	return errors.Join(w.judge(), syscall.Unmount(w.at, syscall.MNT_DETACH))
}

func (w *whole) path(parts ...string) string {
	return filepath.Join(append([]string{w.at, "terminal"}, parts...)...)
}

func (w *whole) was(word string) bool { return slices.Contains(w.told, word) }

func (w *whole) judge() error {
	w.a = New(Parts{
		Config: Config{StateDir: w.path("state"), Erase: Erase{Roots: []string{w.path("pos")}}},
		Reader: device.Config{Driver: device.DriverAuto, Path: "/dev/null"}, Log: zerolog.Nop(), Sys: wipe.Kernel{},
	})
	if err := makeDirs(w.a.at.root); err != nil {
		return err
	}
	if exists(w.a.at.buryMark()) {
		if !exists(w.a.at.tombstone()) {
			return errors.New("cannot be finished: the journal is being erased, and there is no tombstone")
		}
		if err := w.a.bury(); err != nil {
			return fmt.Errorf("cannot be finished: %w", err)
		}
	}
	if err := w.a.open(); err != nil {
		return fmt.Errorf("cannot be finished: the daemon does not start: %w", err)
	}
	defer w.close()
	if w.a.journal == nil {
		return w.judgeClosed()
	}
	var err error
	if w.run, w.began, err = w.a.journal.Current(); err != nil {
		return err
	}
	w.crossed = w.began && w.run.Crossed
	if w.crossed {
		return w.judgeCrossed()
	}
	return w.judgeBefore()
}

func (w *whole) close() {
	if w.a.keys != nil {
		for _, class := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
			w.a.keys.Forget(class)
		}
	}
	w.a.close()
}

// judgeClosed: no journal, so that the terminal was never bound or is unbound.
func (w *whole) judgeClosed() error {
	if w.a.mode() == local.Unenrolled {
		if w.was("enrolled") || w.acked > 0 || w.erases > 0 {
			return errors.New("acknowledged transactions lost: a terminal that was bound knows nothing of it")
		}
		return w.untouched()
	}
	left, err := os.ReadDir(w.path("state"))
	if err != nil || len(left) != 2 || w.erased != 1 || len(w.blobs) == 0 {
		return fmt.Errorf("says more than was done: it is unbound, with %d names left, %d erases ended and %d backups at the desk (%v)", len(left), w.erased, len(w.blobs), err)
	}
	return w.applicationGone()
}

// untouched: nothing of the application is missing, and no key of the reader.
func (w *whole) untouched() error {
	for _, name := range []string{"data/orders.db", "data/deep/cache", "export-1.csv", "log/pos.log", "operator.pin", "bin/pos"} {
		if st, err := os.Stat(w.path("pos", name)); err != nil || st.Size() == 0 {
			return fmt.Errorf("erased without a verified receipt: %s, and the line was not crossed", name)
		}
	}
	if w.erases > 0 {
		return errors.New("erased without a verified receipt: the reader, and the line was not crossed")
	}
	return nil
}

func (w *whole) applicationGone() error {
	for _, name := range []string{"data", "export-1.csv", "log", "operator.pin", "bin"} {
		if exists(w.path("pos", name)) {
			return fmt.Errorf("says more than was done: %s is there", name)
		}
	}
	return nil
}

// judgeBefore: the line was not crossed, so that everything must be there.
func (w *whole) judgeBefore() error {
	if w.was("recorded " + journal.CrossName) {
		return errors.New("cannot be finished: the line was told as crossed, and is not")
	}
	bound := w.a.id != nil && w.a.keys != nil
	if !bound && (w.was("enrolled") || w.acked > 0) {
		return errors.New("acknowledged transactions lost: the terminal was bound, and is not")
	}
	if bound {
		for _, class := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
			if !w.a.keys.Has(class) {
				return fmt.Errorf("erased without a verified receipt: the %s keys", class)
			}
		}
		if err := w.ledgerHolds(); err != nil {
			return err
		}
	}
	return errors.Join(w.untouched(), w.stepsAsTold())
}

// ledgerHolds opens the ledger: every acknowledged event is in it, every link of
// the chain holds.
func (w *whole) ledgerHolds() error {
	l, err := w.a.openLedger(true)
	if err != nil {
		return fmt.Errorf("ledger unreadable: %w", err)
	}
	last := l.Last("PED-0001")
	if verr := l.Verify(context.Background()); verr != nil {
		err = fmt.Errorf("chain broken: %w", verr)
	} else if last < w.acked {
		err = fmt.Errorf("acknowledged transactions lost: %d were acknowledged, %d are there", w.acked, last)
	}
	return errors.Join(err, l.Close())
}

// stepsAsTold: what was told as recorded is done, on disk.
func (w *whole) stepsAsTold() error {
	steps, err := w.a.journal.Steps()
	if err != nil {
		return err
	}
	for _, line := range w.told {
		moment, step, _ := strings.Cut(line, " ")
		if step == "" || step == journal.CrossName {
			continue
		}
		if s := steps[step].State; s == "" || moment == journal.Recorded && s != "done" {
			return fmt.Errorf("cannot be finished: %s was told as %s, and is %q", step, moment, s)
		}
	}
	return nil
}

// judgeCrossed: the receipt is verified and on disk, what was acknowledged is in
// the backup that the desk has, and nobody says more than was done.
func (w *whole) judgeCrossed() (err error) {
	if w.c, err = w.a.openCase(); err != nil {
		return fmt.Errorf("cannot be finished: %w", err)
	}
	for _, ask := range []func() error{w.stepsAsTold, w.backedUp, w.ledgerWhileItMay, w.reader, w.evidence, w.certified, w.identityGone} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// backedUp checks the receipt with nothing but what the journal kept.
func (w *whole) backedUp() error {
	var o opened
	if ok, err := w.a.journal.Get(noteOpened, &o); err != nil || !ok {
		return fmt.Errorf("erased without a verified receipt: the line is crossed and nothing says how (%v)", err)
	}
	sealed, ok1, err1 := noteEnvelope(w.a.journal.Get, noteManifest)
	e, ok2, err2 := noteEnvelope(w.a.journal.Get, noteReceipt)
	if err := errors.Join(err1, err2); err != nil || !ok1 || !ok2 || e.Digest() != o.Auth.Digest || o.Auth.Kind != "receipt" {
		return fmt.Errorf("erased without a verified receipt: manifest %v, receipt %v, crossed on a %s (%v)", ok1, ok2, o.Auth.Kind, err)
	}
	device, err := w.device()
	if err != nil {
		return err
	}
	m, err := manifest.Open(sealed, device)
	if err != nil {
		return fmt.Errorf("erased without a verified receipt: %w", err)
	}
	totals := &receipt.Totals{Count: m.Count, Head: m.Head, Sums: []receipt.Sum{}}
	for _, s := range m.Sums {
		totals.Sums = append(totals.Sums, receipt.Sum(s))
	}
	if _, err := receipt.Check(e, w.c.trust, receipt.Want{
		Case: m.Case, Command: w.c.digest(), Kind: "backup", N: m.N, Subject: sealed.Digest(), Terminal: m.Terminal, Totals: totals, Verified: receipt.Restored,
	}); err != nil {
		return fmt.Errorf("erased without a verified receipt: %w", err)
	}
	if !w.blobs[m.Digest.Hex()] || uint64(m.EvSeq) < w.acked {
		return fmt.Errorf("acknowledged transactions lost: backup up to event %d at the desk %v, acknowledged %d", m.EvSeq, w.blobs[m.Digest.Hex()], w.acked)
	}
	return nil
}

// device is the terminal's own key, as the command's binding has it.
func (w *whole) device() (envelope.PublicKey, error) {
	e, err := envelope.Parse(w.c.accepted.Binding, envelope.MaxSize)
	if err != nil {
		return envelope.PublicKey{}, err
	}
	var b enrol.Binding
	err = envelope.Decode(e.Payload, &b)
	return b.Device, err
}

// ledgerWhileItMay: as long as no step was begun that ends it, it is whole.
func (w *whole) ledgerWhileItMay() error {
	steps, err := w.a.journal.Steps()
	if err != nil || steps["erase-keys"].State != "" {
		return err
	}
	if w.a.keys == nil || !w.a.keys.Has(keys.Data) {
		return errors.New("erased without a verified receipt: the data keys, and no step says so")
	}
	return w.ledgerHolds()
}

// reader: nobody says that it was erased before it was, and never twice.
func (w *whole) reader() error {
	var ev certificate.Reader
	if _, err := w.a.journal.Get(noteReader, &ev); err != nil {
		return err
	}
	if ev.Outcome == outcomeErased && w.erased != 1 {
		return fmt.Errorf("says more than was done: the reader erased, and it ended %d erases", w.erased)
	}
	if w.erases > 1 {
		return fmt.Errorf("reader erased twice: %d times", w.erases)
	}
	return nil
}

// every target of the case, with those that end after the certificate.
func (w *whole) targets() ([]target, error) {
	all, err := w.a.allTargets(w.c)
	return slices.Concat(all, w.a.keyTargets(keys.Line, lineTarget), w.a.keyTargets(keys.Identity, "identity-key"), []target{
		{Target: wipe.Target{Name: "trust", Kind: "data", Path: w.a.at.trust(), Root: w.a.at.root, Requested: wipe.LevelClear}},
		{Target: wipe.Target{Name: "key-directory", Kind: "dir", Path: w.a.at.keys(), Root: w.a.at.root, Requested: wipe.LevelClear}},
	}), err
}

// evidence: where it says that a target is gone, it is.
func (w *whole) evidence() error {
	targets, err := w.targets()
	if err != nil {
		return err
	}
	steps, err := w.a.journal.Steps()
	if err != nil {
		return err
	}
	for _, t := range targets {
		// The tombstone's own temporary file may lie there after a cut: it came later.
		if t.Name == "leavings" && steps["erase-identity"].State != "" {
			continue
		}
		var ev wipe.Evidence
		ok, err := w.a.journal.Get(noteMedia+t.Name, &ev)
		if err != nil {
			return err
		}
		if left, err := wipe.Look(w.a.Sys, t.Target); ok && ev.Verified == certificate.Pass && (err != nil || len(left) > 0) {
			return fmt.Errorf("says more than was done: the evidence for %s, of which %d names are there (%v)", t.Name, len(left), err)
		}
	}
	return nil
}

// certified: a certificate says what the evidence says, and bears the terminal's
// signature.
func (w *whole) certified() error {
	e, ok, err := w.a.signed()
	if err != nil || !ok {
		return err
	}
	device, err := w.device()
	if err != nil {
		return err
	}
	s, err := certificate.Open(e, device)
	if err != nil {
		return fmt.Errorf("says more than was done: %w", err)
	}
	for _, m := range s.Predicate.Media {
		var ev wipe.Evidence
		if ok, err := w.a.journal.Get(noteMedia+m.Name, &ev); err != nil || !ok {
			return fmt.Errorf("says more than was done: the certificate on %s, for which there is no evidence (%v)", m.Name, err)
		}
		if got := medium(ev); fmt.Sprint(got) != fmt.Sprint(m) {
			return fmt.Errorf("says more than was done: the certificate has %+v, the evidence %+v", m, got)
		}
	}
	if s.Predicate.Result == certificate.Complete && w.erased != 1 {
		return errors.New("says more than was done: complete, and the reader was not erased")
	}
	return w.applicationGone()
}

// identityGone: the last keys go only when the desk's receipt for the certificate
// and the tombstone are on disk.
func (w *whole) identityGone() error {
	if w.a.id != nil && w.a.keys != nil && w.a.keys.Has(keys.Identity) {
		return nil
	}
	if _, err := w.a.certificateReceipt(); err != nil {
		return fmt.Errorf("cannot be finished: the identity is gone without a receipt for the certificate: %w", err)
	}
	text, err := os.ReadFile(w.a.at.tombstone())
	if err != nil {
		return fmt.Errorf("cannot be finished: the identity is gone: %w", err)
	}
	stone, err := certificate.ReadTombstone(text)
	if err != nil {
		return fmt.Errorf("cannot be finished: the identity is gone: %w", err)
	}
	e, _, err := w.a.signed()
	if err != nil {
		return err
	}
	s, err := certificate.Read(e)
	if err != nil || !stone.Opens(&s, e.Digest()) {
		return fmt.Errorf("cannot be finished: the tombstone is not of the certificate (%v)", err)
	}
	return nil
}
