package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Folder is the courier's medium at the desk's end: it reads what terminals put out
// and gives them what the desk has. Strangers write on it, so links, pipes and devices
// are no files here, and names that no terminal writes are handed out as strange.
type Folder struct{ m *medium }

// OpenFolder opens the folder where the medium is mounted; ErrNoMedium where the folder
// `unbind` is not in it.
func OpenFolder(path string) (*Folder, error) {
	m, err := openMedium(path)
	if err != nil {
		return nil, err
	}
	return &Folder{m}, nil
}

// Close gives the folder back.
func (f *Folder) Close() error { return f.m.Close() }

// Terminals lists the terminals that have a folder; strange is whatever else lies there.
func (f *Folder) Terminals() (ids, strange []string, err error) { return f.named(marker, "terminal") }

// Cases lists the cases of a terminal's folder.
func (f *Folder) Cases(terminal string) (ids, strange []string, err error) {
	ids, strange, err = f.named(homeOf(terminal), "case")
	return ids, slices.DeleteFunc(strange, func(name string) bool { return name == commandName || name == commandName+".part" }), err
}

// commandName is the file with what the desk has for a terminal.
const commandName = "command.json"

func (f *Folder) named(dir, what string) (ids, strange []string, err error) {
	entries, err := f.m.list(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot look into %s: %w", dir, err)
	}
	for _, e := range entries {
		id, err := idOf(e.Name())
		if err == nil {
			err = checkID(what, id)
		}
		if err != nil || !e.IsDir() {
			strange = append(strange, e.Name())
			continue
		}
		ids = append(ids, id)
	}
	return ids, strange, nil
}

// idOf is the id that fileName wrote so.
func idOf(name string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			b.WriteByte(name[i])
			continue
		}
		if i+3 > len(name) {
			return "", errors.New("it ends in the middle of a sign")
		}
		raw, err := hex.DecodeString(name[i+1 : i+3])
		if err != nil {
			return "", err
		}
		b.Write(raw)
		i += 2
	}
	if id := b.String(); fileName(id) == name {
		return id, nil
	}
	return "", errors.New("it is not how a name is written")
}

// Out lists what a terminal put out in a case. A half-written file is no object yet.
func (f *Folder) Out(terminal, caseID string) (objects []Object, strange []string, err error) {
	dir := f.folder(terminal, caseID, "out")
	if err := f.own(dir); err != nil {
		return nil, nil, err
	}
	entries, err := f.m.list(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot look into %s: %w", dir, err)
	}
	for _, e := range entries {
		o, ok := objectOf(caseID, e.Name())
		switch {
		case ok && e.Type().IsRegular():
			objects = append(objects, o)
		case !strings.HasSuffix(e.Name(), ".part"):
			strange = append(strange, e.Name())
		}
	}
	return objects, strange, nil
}

func objectOf(caseID, name string) (Object, bool) {
	stem, ok := strings.CutSuffix(name, ".json")
	if !ok {
		if stem, ok = strings.CutSuffix(name, sealedEnding); !ok {
			return Object{}, false
		}
	}
	at := strings.LastIndexByte(stem, '-')
	if at < 0 {
		return Object{}, false
	}
	n, err := strconv.ParseInt(stem[at+1:], 10, 64) // answers of one enrolment begin a million after those of the one before
	o := Object{Case: caseID, Kind: stem[:at], N: n}
	return o, err == nil && o.check() == nil && o.file() == stem && name == outName(o)
}

// outName is the name of an object's file in `out`.
func outName(o Object) string {
	if o.Kind == "backup" {
		return o.file() + sealedEnding
	}
	return o.file() + ".json"
}

// Read brings a small object that a terminal put out.
func (f *Folder) Read(terminal string, o Object) ([]byte, error) {
	return f.m.read(f.folder(terminal, o.Case, "out") + "/" + outName(o))
}

// Open opens a sealed file that a terminal put out; its length is what it has now.
func (f *Folder) Open(terminal string, o Object) (io.ReadSeekCloser, int64, error) {
	file, err := f.m.file(f.folder(terminal, o.Case, "out")+"/"+outName(o), os.O_RDONLY)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// Give puts an object into a case's folder `in`, durably, and whole or not at all. What
// is there under its name is replaced: the desk alone writes there. It says whether
// anything was written.
func (f *Folder) Give(ctx context.Context, terminal string, o Object, body []byte) (bool, error) {
	if err := o.check(); err != nil {
		return false, err
	}
	return f.put(ctx, f.folder(terminal, o.Case, "in"), o.file()+".json", body)
}

// Command makes body what the terminal finds as its orders; nil is none.
func (f *Folder) Command(ctx context.Context, terminal string, body []byte) (bool, error) {
	home := homeOf(terminal)
	if body != nil {
		return f.put(ctx, home, commandName, body)
	}
	err := f.m.Remove(home + "/" + commandName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = f.m.syncFolder(home)
	}
	return err == nil, err
}

func (f *Folder) put(ctx context.Context, dir, name string, body []byte) (bool, error) {
	if err := f.own(dir); err != nil {
		return false, err
	}
	sum := sha256.Sum256(body)
	want := content{size: int64(len(body)), digest: "sha256:" + hex.EncodeToString(sum[:])}
	full := dir + "/" + name
	have, err := f.m.measure(full)
	if err == nil && have == want {
		return false, f.m.syncFolders(dir)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		_, err = f.m.create(ctx, full, want, opener(body))
	}
	if err == nil {
		err = f.m.syncFolders(dir)
	}
	if err != nil {
		return false, fmt.Errorf("cannot put %s there: %w", name, err)
	}
	return true, nil
}

// own makes sure that the way to a folder is folders all along: one that leads into
// another terminal's would be written in its place.
func (f *Folder) own(dir string) error {
	for at := dir; at != "."; at = path.Dir(at) {
		info, err := f.m.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && !info.IsDir() {
			err = syscall.ENOTDIR
		}
		if err != nil {
			return fmt.Errorf("cannot use %s: %w", at, err)
		}
	}
	return nil
}

func (f *Folder) folder(terminal, caseID, side string) string {
	return homeOf(terminal) + "/" + fileName(caseID) + "/" + side
}
