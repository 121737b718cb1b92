package agent

import (
	"context"
	"io/fs"
	"strings"

	"unbindd/agent/certificate"
	"unbindd/agent/keys"
	"unbindd/wipe"
)

// modelMachine stands in for what lies around the terminal's files: nothing, or
// memory that is paged out, which every certificate must then tell.
type modelMachine struct{ swaps bool }

func (modelMachine) Open(string) (fs.File, error) { return nil, fs.ErrNotExist }

func (m modelMachine) ReadFile(name string) ([]byte, error) {
	if m.swaps && name == "proc/swaps" {
		return []byte("Filename\n/dev/block/swap partition 1 0 -1\n"), nil
	}
	return nil, fs.ErrNotExist
}

func (modelMachine) Stat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }

func (modelMachine) ReadLink(string) (string, error) { return "", fs.ErrNotExist }

func (modelMachine) Lstat(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }

// eraser stands in for package wipe on the model's disk, with the contract of
// docs/ERASURE.md: overwrite in place, sync, read back, unlink, sync the folder;
// what is removed with less is told before it is unlinked. What the agent makes
// of its evidence over all tries is the code's (eraseAll, eraseOne, merge).
type eraser struct {
	w *world
	t wipe.Target
}

func (e eraser) Name() string { return e.t.Name }

func (e eraser) ProbeGone(context.Context) wipe.Evidence {
	ev := wipe.Evidence{Name: e.t.Name, Verified: wipe.Pass}
	if len(e.w.under(e.t.Path)) > 0 {
		ev.Verified = wipe.Fail
	}
	return ev
}

func (e eraser) Destroy(_ context.Context, note func(op string)) wipe.Evidence {
	ev := wipe.Evidence{
		Name: e.t.Name, Kind: e.t.Kind, Type: "model", Method: "clear", Technique: "overwrite", Standard: "none-claimed", Residual: []string{},
		LevelRequested: e.t.Requested, LevelAchieved: e.t.Requested, Verified: wipe.Pass,
	}
	names := e.w.under(e.t.Path)
	if len(names) == 0 {
		ev.Method, ev.Technique = "none", "absent"
	}
	for _, name := range names {
		level, err := e.file(name, note)
		if err != nil {
			ev.Method, ev.Technique, ev.LevelAchieved, ev.Verified, ev.Reason = "none", "none", wipe.LevelNone, wipe.Fail, err.Error()
			return ev
		}
		if level.Rank() < ev.LevelAchieved.Rank() {
			ev.Method, ev.Technique, ev.LevelAchieved = "delete", "unlink", level
		}
		ev.Items++
	}
	// Also where nothing was left: an earlier try may have ended before its sync.
	if err := e.w.disk.syncDir(folderOf(e.w.place(e.t.Path))); err != nil {
		ev.LevelAchieved, ev.Verified, ev.Reason = wipe.LevelNone, wipe.Fail, err.Error()
	}
	return ev
}

func folderOf(name string) string {
	if i := strings.LastIndex(name, "/"); i >= 0 {
		return name[:i+1]
	}
	return name
}

func (e eraser) file(name string, note func(op string)) (wipe.Level, error) {
	w, d := e.w, e.w.disk
	w.mayErase(w.at)
	w.mayEnd(name)
	f := d.find(name)
	level := e.t.Requested
	err := e.overwrite(name)
	if err == nil && w.h.Weak {
		level = wipe.LevelLogical // the medium writes elsewhere
	} else if err != nil {
		if !e.t.Anyway {
			return level, err
		}
		level = wipe.LevelLogical
	}
	if err == nil {
		note("truncate")
	}
	if level == wipe.LevelLogical && e.t.Lowered != nil {
		if err := e.t.Lowered(level, "copies-below"); err != nil {
			return level, err
		}
	}
	note("unlink")
	for _, text := range f.texts(true) {
		if text != noise {
			w.became(e.t.Name, wipe.LevelLogical)
		}
	}
	if err := d.unlink(name); err != nil {
		return level, err
	}
	w.became(e.t.Name, level)
	return level, d.syncDir(folderOf(name))
}

func (e eraser) overwrite(name string) error {
	d := e.w.disk
	f := d.find(name)
	for i := range f.blocks {
		if err := d.write(f, i, noise); err != nil {
			return err
		}
	}
	if err := d.sync(name, f); err != nil {
		return err
	}
	for _, b := range f.blocks {
		if b.now() != noise {
			return errIO
		}
	}
	return nil
}

// place is a path of the state directory as the disk names it.
func (w *world) place(p string) string {
	return strings.TrimPrefix(strings.TrimPrefix(p, w.m.root), "/")
}

// under lists the files that are there under a path, for whoever looks now.
func (w *world) under(p string) (names []string) {
	name := w.place(p)
	for _, have := range w.disk.names {
		if within(have, name) && w.disk.find(have) != nil {
			names = append(names, have)
		}
	}
	return names
}

// within says whether a file is a path, or below it.
func within(file, path string) bool {
	return strings.HasPrefix(file, path) && (len(file) == len(path) || file[len(path)] == '/')
}

// became is what really happened to a target: the weakest of all its files.
func (w *world) became(name string, level wipe.Level) {
	if have, ok := w.truth[name]; !ok || level.Rank() < have.Rank() {
		w.truth[name] = level
	}
}

// modelled puts the model's eraser in the place of each target's own.
func (w *world) modelled(targets []target) []target {
	for i := range targets {
		w.paths[targets[i].Name] = targets[i].Path
		targets[i].key = func(_ wipe.Sys, t wipe.Target) wipe.KeyDestroyer { return eraser{w, t} }
	}
	return targets
}

// keyFiles are the code's files of each class, as the disk names them.
var keyFiles = func() map[keys.Class][]string {
	all := map[keys.Class][]string{}
	for _, class := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
		for _, p := range keys.Files("/model/keys", class) {
			all[class] = append(all[class], strings.TrimPrefix(p, "/model/"))
		}
	}
	return all
}()

// layOut is the terminal as it trades: its keys, an empty ledger, its identity.
func (w *world) layOut() {
	for _, class := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
		for _, name := range keyFiles[class] {
			w.disk.lay(name, "key")
		}
	}
	w.disk.lay(ledgerName)
	w.disk.lay("trust/binding", "binding")
	w.disk.lay(journalName)
	w.disk.pages.kept = &page{}
	if err := w.begin(); err != nil {
		panic(err)
	}
	w.disk.pages.sync()
}

const (
	ledgerName = "ledger/seg-00000001.db"
	sealedName = "spool/sealed-1"
	stoneName  = "tombstone.json"
	buryName   = "bury"
)

// look says what the second look at everything found, as verifyErased does.
func (w *world) look(targets []target) (verdict string, residue []string) {
	verdict = certificate.Pass
	for _, t := range targets {
		if len(w.under(t.Path)) > 0 {
			verdict, residue = certificate.Fail, append(residue, t.Name)
		}
	}
	return verdict, residue
}
