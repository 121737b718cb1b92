package agent

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/keys"
	"unbindd/agent/ledger"
)

// ErrNotCared says that the ledger was not looked at, and nothing was changed.
var ErrNotCared = errors.New("nothing was looked at and nothing was changed")

// notCared is a refusal before anything was looked at; a code may be in why.
func notCared(why error) error {
	return fmt.Errorf("cannot look at the ledger: %w: %w", why, ErrNotCared)
}

// CheckLedger says what of the ledger is whole; of the one with that number beside
// it, if beside is not 0. It needs the state directory for itself: while a daemon
// runs on it, it is refused.
func CheckLedger(ctx context.Context, parts Parts, beside int) (ledger.Report, error) {
	return careFor(parts, beside, func(dir string, o ledger.Options, _ *identity) (ledger.Report, error) {
		return ledger.Check(ctx, dir, o)
	})
}

// RepairLedger writes damaged segments anew of which every record is there.
func RepairLedger(ctx context.Context, parts Parts, beside int) (ledger.Report, error) {
	return careFor(parts, beside, func(dir string, o ledger.Options, _ *identity) (ledger.Report, error) {
		return ledger.Repair(ctx, dir, o)
	})
}

// ExportLedger writes what is whole into a new file, sealed as a backup is, to
// the people of a recipient set; no case rests on it, and no receipt is given.
func ExportLedger(ctx context.Context, parts Parts, beside int, set, path string) (ledger.Report, error) {
	return careFor(parts, beside, func(dir string, o ledger.Options, id *identity) (r ledger.Report, err error) {
		people := id.recipients(envelope.ID(set))
		if len(people) == 0 {
			return r, notCared(envelope.Refuse("E28", "recipients", "the trust names nobody as the recipient set %q; its sets are %s", set, joinedIDs(slices.Sorted(maps.Keys(id.trust.Recipients)))))
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return r, notCared(err)
		}
		r, err = salvageTo(ctx, f, dir, o, id, people)
		if err == nil && r.Whole == 0 && !r.Sound() {
			err = envelope.Refuse("E26", string(r.Loss()), "cannot export the ledger: no record of it can be read")
		}
		if err = errors.Join(err, f.Sync(), f.Close(), syncDir(filepath.Dir(path))); err != nil {
			return r, errors.Join(err, os.Remove(path))
		}
		return r, nil
	})
}

// salvageTo counts what it seals as whoever opens it will, so that the trailer
// is of what is in the file and of nothing else.
func salvageTo(ctx context.Context, w io.Writer, dir string, o ledger.Options, id *identity, people []string) (r ledger.Report, err error) {
	start := ledger.Start(id.raw)
	header := backup.Header{
		Binding: string(id.digest), Epoch: id.binding.Epoch, First: 1, Kind: backup.Salvage,
		Prev: hex.EncodeToString(start[:]), Terminal: string(id.binding.Terminal), V: 1,
	}
	_, err = backup.Seal(w, people, header, func(write func([]byte) error) (in backup.TrailerInput, err error) {
		audit := ledger.NewPiecesAuditor(start)
		r, err = ledger.Salvage(ctx, dir, o, func(line []byte) error { return errors.Join(audit.Add(line), write(line)) })
		if err != nil {
			return in, err
		}
		head, tally := audit.Head(), audit.Tally()
		in = backup.TrailerInput{Count: tally.Records(), Head: head.Digest(), Last: head.Seq, Open: r.Open()}
		var errs [2]error
		in.Missing, errs[0] = json.Marshal(audit.Missing(r.Missing()))
		in.Sums, errs[1] = json.Marshal(sumsOf(tally))
		return in, errors.Join(errs[0], errs[1])
	})
	return r, err
}

// careFor opens journal, identity and keys of a terminal whose daemon stands
// still; the journal stays open meanwhile, so that none can start. What it finds of
// a ledger beside the first is told and not written down: the daemon looks itself.
func careFor(parts Parts, beside int, do func(dir string, o ledger.Options, id *identity) (ledger.Report, error)) (r ledger.Report, err error) {
	at := places{parts.Config.StateDir}
	j, err := journal.Open(at.journal(), journal.Options{})
	if errors.Is(err, journal.ErrAbsent) {
		return r, notCared(envelope.Refuse("E28", "not-bound", "this terminal is bound to nobody"))
	}
	if errors.Is(err, journal.ErrLocked) {
		return r, notCared(fmt.Errorf("stop the daemon first: %w", err))
	}
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	id, bound, err := loadIdentity(at)
	if err == nil && !bound {
		err = envelope.Refuse("E28", "not-bound", "this terminal is bound to nobody")
	}
	if err != nil {
		return r, notCared(err)
	}
	store, err := keys.Open(at.keys())
	if err != nil {
		return r, err
	}
	aead, err := store.LedgerAEAD()
	if err != nil {
		return r, fmt.Errorf("cannot look at the ledger: %w", err)
	}
	dir, known := at.beside(beside), uint64(0)
	if beside == 0 {
		dir = at.ledger()
		known, err = j.LedgerKnown()
	}
	if err != nil {
		return r, err
	}
	r, err = do(dir, ledger.Options{AEAD: aead, Binding: id.raw, Known: known}, id)
	if errors.Is(err, ledger.ErrAbsent) {
		return r, notCared(envelope.Refuse("E28", "no-ledger", "there is none yet, and no record was ever seen in one"))
	}
	if loss := ledger.LossOf(err); loss != "" {
		told := envelope.Refuse("E26", string(loss), "cannot answer for the ledger: %w", err)
		if beside != 0 {
			return r, told
		}
		return r, errors.Join(told, j.SetDamage(journal.Damage{Why: err.Error(), Code: damageCode(loss), Since: nowOf(parts)}))
	}
	if err != nil || beside != 0 {
		return r, err
	}
	return r, remember(parts, j, r)
}

// remember writes down what was found, for the daemon that starts next.
func remember(parts Parts, j *journal.Journal, r ledger.Report) error {
	if r.Sound() {
		return j.Sound()
	}
	return j.SetDamage(journal.Damage{
		Why: fmt.Sprintf("%s: %s", ledger.ErrDamaged, r.Counts()), Code: damageCode(r.Loss()), Since: nowOf(parts),
	})
}

func nowOf(parts Parts) int64 {
	if parts.Now != nil {
		return parts.Now().Unix()
	}
	return time.Now().Unix()
}
