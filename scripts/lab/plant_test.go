package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// amounts are how much is planted.
type amounts struct {
	lines, names, values int
	big                  int64
}

// all is what facts of other erasers were taken with; little is for the half that
// every test run has time for.
var (
	all    = amounts{lines: 400, names: 100, values: 20_000, big: 16 * mega}
	little = amounts{lines: 50, names: 40, values: 4_000, big: 4 * mega}
)

// planter plants words below one folder, the first error ends it.
type planter struct {
	w   words
	dir string
	err error
}

// plant fills dir/app with every kind of hiding place.
func plant(t *testing.T, dir string, w words, n amounts) {
	t.Helper()
	p := &planter{w: w, dir: filepath.Join(dir, "app")}
	p.try(func() error { return os.MkdirAll(filepath.Join(p.dir, "deep", "er"), 0o755) })
	for name, size := range map[string]int{"tiny": 60, "small": 100, "deep/page": 4096, "deep/er/medium": 300 << 10} {
		p.file(name, w.text(content, size))
	}
	p.holes("big", n.big)
	p.overwritten("in-place")
	p.log("journal.log", n.lines)
	p.names(n.names)
	p.attributes()
	p.links()
	p.database("values.db", n.values)
	// Last, so that nothing else takes the blocks that become free.
	for version := range 4 {
		p.replace("settings", version)
	}
	if p.err != nil {
		t.Fatalf("cannot plant: %v", p.err)
	}
}

func (p *planter) try(do func() error) {
	if p.err == nil {
		p.err = do()
	}
}

func (p *planter) path(name string) string { return filepath.Join(p.dir, name) }

// with opens a file, lets do write it, and flushes it.
func (p *planter) with(name string, flags int, do func(f *os.File) error) {
	p.try(func() error {
		f, err := os.OpenFile(p.path(name), flags|os.O_RDWR, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := do(f); err != nil {
			return err
		}
		return f.Sync()
	})
}

func (p *planter) file(name string, body []byte) {
	p.with(name, os.O_CREATE, func(f *os.File) error { _, err := f.Write(body); return err })
}

// holes is a large file, every second 256 KiB of it a hole.
func (p *planter) holes(name string, size int64) {
	const piece = 256 << 10
	body := p.w.text(content, piece)
	p.with(name, os.O_CREATE, func(f *os.File) error {
		for at := int64(0); at < size; at += 2 * piece {
			if _, err := f.WriteAt(body, at); err != nil {
				return err
			}
		}
		return f.Truncate(size)
	})
}

// overwritten holds one word, flushed, and then content in the same blocks.
func (p *planter) overwritten(name string) {
	for _, k := range []kind{former, content} {
		p.with(name, os.O_CREATE, func(f *os.File) error { _, err := f.WriteAt(p.w.text(k, 8192), 0); return err })
	}
}

// replace writes a new version beside the old one and renames it, as settings are
// usually written. The last version is content; those before it lie in freed blocks.
func (p *planter) replace(name string, version int) {
	k := replaced
	if version == 3 {
		k = content
	}
	p.file(name+".new", p.w.text(k, 4096))
	p.try(func() error { return os.Rename(p.path(name+".new"), p.path(name)) })
}

func (p *planter) log(name string, lines int) {
	p.with(name, os.O_CREATE, func(f *os.File) error {
		for i := range lines {
			if _, err := fmt.Fprintf(f, "%06d %s a line of a log\n", i, p.w[logged]); err != nil {
				return err
			}
			if err := f.Sync(); err != nil {
				return err
			}
		}
		return nil
	})
}

// names makes small files that hold nothing, but are called something.
func (p *planter) names(n int) {
	p.try(func() error { return os.Mkdir(p.path("names"), 0o755) })
	for i := range n {
		p.file(fmt.Sprintf("names/%s-%03d", p.w[named], i), []byte("nothing\n"))
	}
}

// links puts short ones, whose targets lie in their inodes, and long ones, whose
// targets have a block each.
func (p *planter) links() {
	for i := range 4 {
		for name, n := range map[string]int{"link": 1, "far": 2, "farther": 6} {
			p.try(func() error {
				return os.Symlink("/nowhere/"+strings.Repeat(p.w[link], n), p.path(fmt.Sprintf("%s-%d", name, i)))
			})
		}
	}
}

// attributes puts one that fits beside the inode and one that needs a block.
func (p *planter) attributes() {
	p.file("with-attributes", []byte("nothing\n"))
	for name, n := range map[string]int{"user.short": 1, "user.long": 40} {
		p.try(func() error {
			return unix.Setxattr(p.path("with-attributes"), name, []byte(strings.Repeat(p.w[attr], n)), 0)
		})
	}
}

// database puts values and deletes them: their pages become free and keep them.
func (p *planter) database(name string, values int) {
	p.try(func() error {
		db, err := bbolt.Open(p.path(name), 0o600, nil)
		if err != nil {
			return err
		}
		defer db.Close()
		bucket := []byte("b")
		for first := 0; first < values; first += 1000 {
			err := db.Update(func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucketIfNotExists(bucket)
				for i := first; err == nil && i < min(first+1000, values); i++ {
					err = b.Put(fmt.Appendf(nil, "%08d", i), append(p.w.text(freed, wordSize), make([]byte, 268)...))
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return db.Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket(bucket) })
	})
}
