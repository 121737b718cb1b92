package blobtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/blob"
)

// Memory keeps blobs in memory; nothing of it is durable.
type Memory struct {
	mu    sync.Mutex
	kept  map[envelope.Digest][]byte
	files map[string][]byte // in pieces
}

// NewMemory makes an empty keeper.
func NewMemory() *Memory {
	return &Memory{kept: map[envelope.Digest][]byte{}, files: map[string][]byte{}}
}

// Receive begins an upload.
func (m *Memory) Receive() (blob.Upload, error) { return &memoryUpload{in: m}, nil }

// Open reads a kept blob.
func (m *Memory) Open(d envelope.Digest) (io.ReadCloser, int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.kept[d]
	if !ok {
		return nil, 0, blob.ErrAbsent
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

// Extend writes the next bytes of a file in pieces.
func (m *Memory) Extend(name string, at blob.At, chunk []byte) (blob.At, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if strings.ContainsAny(name, "/.") {
		return at, errors.New("cannot receive a file in pieces: it has no good name")
	}
	next, _, err := at.With(chunk)
	if err == nil {
		m.files[name] = append(m.files[name][:at.Offset:at.Offset], chunk...)
	}
	return next, err
}

// Whole makes an upload of a file in pieces.
func (m *Memory) Whole(name string, at blob.At) (blob.Upload, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.files[name]
	if !ok {
		return nil, blob.ErrAbsent
	}
	return &memoryUpload{in: m, file: name, bytes: b[:at.Offset:at.Offset]}, nil
}

// Forget removes a file in pieces.
func (m *Memory) Forget(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

// Sweep has nothing to do: what nobody holds is gone.
func (m *Memory) Sweep() error { return nil }

type memoryUpload struct {
	in    *Memory
	file  string // in pieces
	bytes []byte
	ended bool
}

// Write takes the next bytes.
func (u *memoryUpload) Write(b []byte) (int, error) {
	u.in.mu.Lock()
	defer u.in.mu.Unlock()
	u.bytes = append(u.bytes, b...)
	return len(b), nil
}

// Size is how many bytes are there.
func (u *memoryUpload) Size() int64 { return int64(len(u.bytes)) }

// Digest is what they come to.
func (u *memoryUpload) Digest() envelope.Digest { return envelope.DigestOf(u.bytes) }

// Reopen reads what was written.
func (u *memoryUpload) Reopen() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(u.bytes)), nil
}

// end ends it; gone says that nothing of it stays.
func (u *memoryUpload) end(gone bool, then func()) error {
	u.in.mu.Lock()
	defer u.in.mu.Unlock()
	if u.ended {
		return nil
	}
	u.ended = true
	if gone {
		delete(u.in.files, u.file)
	}
	then()
	return nil
}

// Keep puts the blob under its digest.
func (u *memoryUpload) Keep() error {
	return u.end(true, func() { u.in.kept[u.Digest()] = u.bytes })
}

// Leave ends the writing.
func (u *memoryUpload) Leave() error { return u.end(false, func() {}) }

// Drop forgets the upload.
func (u *memoryUpload) Drop() error { return u.end(true, func() {}) }
