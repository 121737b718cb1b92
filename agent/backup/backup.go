// Package backup is the container a backup travels in: JSON Lines, compressed
// with zstd, encrypted with age to people the terminal is not one of.
//
// It promises that Open hands back what Seal was given or fails: every cut,
// flip, insertion or false trailer is an error. It promises it for the whole
// only: lines come out before the end has been seen, so nothing that was read
// may be trusted, counted or kept until Open has returned nil. It uses a fixed
// amount of memory at both ends, however long the file is, and whatever a
// hostile file claims of itself.
//
// It knows nothing of what the lines say; their chain and totals are checked by
// ledger.Auditor. A sealed file can be read with stock tools:
//
//	age -d -i identity case.jsonl.zst.age | zstd -d | jq .
//
// A salvage is the same container of another kind: what "unbindd ledger export"
// could read of a ledger. It belongs to no case, it may have holes, and its
// trailer names them. Open takes no salvage, and OpenSalvage no backup.
//
//	backup.go   the header, the trailer, their canonical lines
//	salvage.go  what a salvage says otherwise
//	seal.go     lines -> file
//	open.go     file -> lines
//	people.go   recipients and identities
//	digest.go   the digest of a file, read back from the medium
package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Kind is the header's mark.
const Kind = "unbindd-backup"

const (
	version = 1
	// maxLine is the longest line, its newline included, in bytes.
	maxLine = 64 << 10
	// window bounds what a reader has to remember: 1 MiB.
	window = 1 << 20
)

// Header is the first line; its members are in canonical order.
type Header struct {
	Binding  string `json:"binding,omitempty"` // a salvage's: digest of the binding its ledger belongs to
	Case     string `json:"case,omitempty"`    // a backup's
	Command  string `json:"command,omitempty"` // a backup's: digest of the command it was made for
	Epoch    int64  `json:"epoch"`
	First    uint64 `json:"first"` // seq of the first record
	Kind     string `json:"kind"`  // Kind or Salvage
	Prev     string `json:"prev"`  // chain value before the first record, 64 hex digits
	Terminal string `json:"terminal"`
	V        int    `json:"v"` // always 1
}

// Trailer is the last line; its members are in canonical order.
type Trailer struct {
	Count   uint64          `json:"count"`             // lines between header and trailer
	Head    string          `json:"head"`              // digest: the last record's chain value
	Last    uint64          `json:"last"`              // seq of the last record
	Missing json.RawMessage `json:"missing,omitempty"` // a salvage's: the stretches of records that are not in it
	Open    bool            `json:"open,omitempty"`    // a salvage's: whether there were more at its end is not known
	Sha256  string          `json:"sha256"`            // of all bytes before the trailer line, 64 hex digits
	Sums    json.RawMessage `json:"sums"`
}

// TrailerInput is what whoever wrote the lines knows of them.
type TrailerInput struct {
	Count uint64
	Head  string // digest
	Last  uint64
	Sums  json.RawMessage // canonical JSON

	Missing json.RawMessage // a salvage's; canonical JSON
	Open    bool            // a salvage's
}

// ErrCorrupt says that a file is not what Seal wrote.
var ErrCorrupt = errors.New("the backup is corrupt")

func corrupt(why error) error { return fmt.Errorf("%w: %w", ErrCorrupt, why) }

func (h Header) check() error {
	switch {
	case h.Kind != Kind && h.Kind != Salvage || h.V != version:
		return fmt.Errorf("it is a %q of version %d", h.Kind, h.V)
	case h.Kind == Salvage && !h.ofSalvage():
		return errors.New("a salvage names its binding, no case and no command")
	case h.Kind == Kind && (!isID(h.Case) || h.Binding != ""):
		return errors.New("case is not an identifier, or a binding is named beside it")
	case h.Kind == Kind && !isDigest(h.Command):
		return errors.New("command is not a digest")
	case !isID(h.Terminal):
		return errors.New("terminal is not an identifier")
	case !isHex64(h.Prev):
		return errors.New("prev is not 64 hex digits")
	case h.Epoch < 0 || h.Epoch > maxInt || h.First > maxInt:
		return errors.New("epoch or first is out of range")
	}
	return nil
}

func (t Trailer) check(kind string) error {
	switch {
	case (kind == Salvage) != (len(t.Missing) != 0) || kind != Salvage && t.Open:
		return errors.New("what is missing is said in a salvage, and only there")
	case !isDigest(t.Head):
		return errors.New("head is not a digest")
	case !isHex64(t.Sha256):
		return errors.New("sha256 is not 64 hex digits")
	case t.Count > maxInt || t.Last > maxInt:
		return errors.New("count or last is out of range")
	case len(t.Sums) == 0 || !json.Valid(t.Sums):
		return errors.New("sums are not JSON")
	}
	return nil
}

// line writes v as one line; all it holds was checked to need no escaping.
func line(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

// read parses a line into v and proves that it is the only spelling of it, which
// leaves no room for unknown, repeated or missing members.
func read(text []byte, v any) error {
	if err := json.Unmarshal(text, v); err != nil {
		return errors.New("it is not JSON of the right members")
	}
	again, err := line(v)
	if err != nil || !bytes.Equal(again, text) {
		return errors.New("it is not in canonical form")
	}
	return nil
}

const maxInt = 1<<53 - 1

func isID(s string) bool {
	return only(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-") && len(s) <= 64
}

func isHex64(s string) bool { return only(s, "0123456789abcdef") && len(s) == 64 }

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && isHex64(hex)
}

func only(s, alphabet string) bool { return s != "" && strings.Trim(s, alphabet) == "" }
