//go:build (amd64 || arm64) && !android

package crash

import (
	"bufio"
	"encoding/gob"
	"errors"
	"io"
	"os"
)

// kind is what one operation does.
type kind uint8

const (
	write    kind = iota + 1
	truncate      // to Off bytes
	sync          // fsync or fdatasync: neither promises more of a file's content
	create        // also of a folder, if Folder is set
	remove        // of a file or a folder
	rename
	link
	syncFolder
	note // what the program told

	// What changes nothing is in no record. It can fail all the same.
	makeFolder
	removeFolder
	openFile
	read
	openFolder
	list
	look // for a name
	stat // of what was found
	statFS
	setAttr
	allocate
	lock
	closeFile
	control // ioctl
	seek
	getAttribute
	setAttribute
)

var kindNames = map[kind]string{
	write: "write", truncate: "truncate", sync: "sync", create: "create", remove: "remove",
	rename: "rename", link: "link", syncFolder: "sync of a folder", note: "told",
	makeFolder: "mkdir", removeFolder: "rmdir", openFile: "open", read: "read", openFolder: "opendir", list: "readdir", look: "lookup", stat: "getattr",
	statFS: "statfs", setAttr: "setattr", allocate: "fallocate", lock: "flock", closeFile: "close", control: "ioctl", seek: "lseek",
	getAttribute: "getxattr", setAttribute: "setxattr",
}

// op is one operation as the mount saw it succeed. Files and folders have
// numbers that are never given twice; the mounted folder is number 0.
type op struct {
	Kind    kind
	Ino     int
	Dir, To int    // folders of Name and Second
	Name    string // in Dir; of a sync, the path, for whoever is deaf to it
	Second  string // what a rename ends in
	Folder  bool
	Off     int64
	Data    []byte
	Told    string
}

// trace is a record. It lies in a file, so that its length costs no memory.
type trace struct {
	path  string
	count int
}

type traceWriter struct {
	file  *os.File
	buf   *bufio.Writer
	enc   *gob.Encoder
	count int
}

func newTraceWriter(path string) (*traceWriter, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(f, 1<<20)
	return &traceWriter{file: f, buf: buf, enc: gob.NewEncoder(buf)}, nil
}

func (w *traceWriter) add(o op) error {
	w.count++
	return w.enc.Encode(o)
}

func (w *traceWriter) close() (trace, error) {
	err := errors.Join(w.buf.Flush(), w.file.Close())
	return trace{w.file.Name(), w.count}, err
}

// each calls f for every operation, in order.
func (t trace) each(f func(n int, o op) error) error {
	file, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer file.Close()
	dec := gob.NewDecoder(bufio.NewReaderSize(file, 1<<20))
	for n := 0; ; n++ {
		var o op
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := f(n, o); err != nil {
			return err
		}
	}
}
