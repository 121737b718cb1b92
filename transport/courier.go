package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"
	"time"
)

// CourierConfig says where the courier's medium is mounted.
type CourierConfig struct {
	Path string `yaml:"path" mapstructure:"path"` // empty: there is no courier
	Use  string `yaml:"use" mapstructure:"use"`   // Beside or Only
}

// What a courier may be: another way beside the network, or the only one there is.
const (
	Beside = "beside"
	Only   = "only"
)

// Courier is the link over a folder that a person carries:
//
//	unbind/<terminal>/command.json              what the desk has for the terminal
//	unbind/<terminal>/<case>/in/<kind>-<n>.json           for the terminal
//	unbind/<terminal>/<case>/in/receipt-<kind>-<n>.json   the reply to out/<kind>-<n>
//	unbind/<terminal>/<case>/out/<kind>-<n>.json          from the terminal
//	unbind/<terminal>/<case>/out/backup-<n>.jsonl.zst.age the sealed file
//
// The folder `unbind` must be there already: it is what tells the medium from
// the empty mount point left behind when no medium is plugged in, on which a
// backup would look delivered and be erased with the terminal.
type Courier struct {
	path     string
	terminal string
	look     time.Duration // between two looks while Pull waits
	back     readBack
}

// NewCourier makes the link; the medium may come and go afterwards.
func NewCourier(c CourierConfig, terminal string) (*Courier, error) {
	if err := checkID("terminal", terminal); err != nil {
		return nil, err
	}
	if c.Path == "" {
		return nil, errors.New("cannot use the courier: its path is not set")
	}
	return &Courier{path: c.Path, terminal: terminal, look: time.Second}, nil
}

// Name is "courier".
func (c *Courier) Name() string { return "courier" }

// Close has nothing to give back: the medium is opened for each call, so that
// it can be pulled out between two.
func (c *Courier) Close() error { return nil }

// Pull brings a command that etag does not know yet, looking again until wait
// is over. The etag names all commands on the medium that were pulled before.
func (c *Courier) Pull(ctx context.Context, etag string, wait time.Duration) ([]byte, string, error) {
	over := time.NewTimer(wait)
	defer over.Stop()
	again := time.NewTicker(c.look)
	defer again.Stop()
	for {
		bundle, next, err := c.pullOnce(etag)
		if bundle != nil || err != nil || wait <= 0 {
			return bundle, next, err
		}
		select {
		case <-ctx.Done():
			return nil, etag, context.Cause(ctx)
		case <-over.C:
			return nil, etag, nil
		case <-again.C:
		}
	}
}

func (c *Courier) pullOnce(etag string) ([]byte, string, error) {
	m, err := openMedium(c.path)
	if err != nil {
		return nil, etag, err
	}
	defer m.Close()
	files, err := c.commands(m)
	if err != nil {
		return nil, etag, fmt.Errorf("cannot look for commands on the medium: %w", err)
	}
	var present []string
	var failures []error // one unreadable file must not hide the others
	for _, name := range files {
		body, err := m.read(name)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if len(body) == 0 {
			continue // what a medium that was pulled out leaves of a file
		}
		sum := sha256.Sum256(body)
		mark := hex.EncodeToString(sum[:8])
		present = append(present, mark)
		if !strings.Contains(etag, mark) {
			return body, strings.TrimPrefix(etag+","+mark, ","), nil
		}
	}
	if len(failures) > 0 {
		return nil, etag, fmt.Errorf("cannot read all commands on the medium: %w", errors.Join(failures...))
	}
	return nil, strings.Join(present, ","), nil
}

// commands lists command.json and every case's in/command-*.json, in order.
func (c *Courier) commands(m *medium) ([]string, error) {
	home := homeOf(c.terminal)
	entries, err := m.list(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() {
			if e.Name() == "command.json" {
				files = append(files, home+"/command.json")
			}
			continue
		}
		found, err := m.list(home + "/" + e.Name() + "/in")
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return nil, err
		}
		for _, f := range found {
			if matches, err := path.Match("command-*.json", f.Name()); err == nil && matches {
				files = append(files, home+"/"+e.Name()+"/in/"+f.Name())
			}
		}
	}
	return files, nil
}

// Put writes the object to the medium and brings the reply if the medium
// carries it already.
func (c *Courier) Put(ctx context.Context, object Object, body []byte) ([]byte, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	m, err := openMedium(c.path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	sum := sha256.Sum256(body)
	want := content{size: int64(len(body)), digest: "sha256:" + hex.EncodeToString(sum[:])}
	if err := m.keep(ctx, c.folder(object, "out"), object.file()+".json", want, opener(body)); err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	return c.reply(m, object)
}

// Upload writes the sealed file to the medium.
func (c *Courier) Upload(ctx context.Context, object Object, size int64, digest string, open func() (io.ReadCloser, error)) ([]byte, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	if !pinPattern.MatchString(digest) {
		return nil, fmt.Errorf("cannot use digest %q: want sha256: and 64 hex digits", digest)
	}
	m, err := openMedium(c.path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	want := content{size: size, digest: digest}
	if err := c.back.keepOnce(ctx, m, c.folder(object, "out"), object.file()+sealedEnding, want, open); err != nil {
		return nil, fmt.Errorf("cannot deliver %s: %w", object.file(), err)
	}
	return c.reply(m, object)
}

// sealedEnding is how a sealed file's name ends.
const sealedEnding = ".jsonl.zst.age"

func (c *Courier) reply(m *medium, object Object) ([]byte, error) {
	return fetched(m.read(c.folder(object, "in") + "/receipt-" + object.file() + ".json"))
}

// Fetch brings an object that somebody put into the case's folder `in`.
func (c *Courier) Fetch(_ context.Context, object Object) ([]byte, error) {
	if err := object.check(); err != nil {
		return nil, err
	}
	m, err := openMedium(c.path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return fetched(m.read(c.folder(object, "in") + "/" + object.file() + ".json"))
}

func fetched(body []byte, err error) ([]byte, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotYet
	}
	return body, err
}

// Time cannot be asked of a stick: an answer that was signed some time ago
// says nothing about now.
func (c *Courier) Time(context.Context, []byte) ([]byte, error) {
	return nil, fmt.Errorf("cannot ask a courier for the time: %w", errors.ErrUnsupported)
}

// Reveal writes the preimage to the medium and brings the reply if the medium carries
// it already.
func (c *Courier) Reveal(ctx context.Context, caseID string, body []byte) ([]byte, error) {
	return c.Put(ctx, Object{Case: caseID, Kind: "tombstone", N: 1}, body)
}

func (c *Courier) folder(o Object, side string) string {
	return homeOf(c.terminal) + "/" + fileName(o.Case) + "/" + side
}

func homeOf(terminal string) string { return marker + "/" + fileName(terminal) }

// fileName writes an id so that every file system takes it: what FAT or a path
// cannot carry becomes %XX, which no id contains, and so does a dot at either
// end. Where a file system folds case, two ids that differ only in it meet in
// one folder; keep then refuses the second one's bytes, so nothing is lost.
func fileName(id string) string {
	var b strings.Builder
	for i := range len(id) {
		ch := id[i]
		atEnd := i == 0 || i == len(id)-1
		if ch == '/' || ch == ':' || (ch == '.' && atEnd) {
			fmt.Fprintf(&b, "%%%02X", ch)
			continue
		}
		b.WriteByte(ch)
	}
	return b.String()
}

var _, _ Link = (*HTTPS)(nil), (*Courier)(nil)
