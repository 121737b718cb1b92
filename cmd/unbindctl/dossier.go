package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"unbindd/agent/envelope"
)

// paperwork is one envelope with the file it came from.
type paperwork struct {
	file     string
	envelope *envelope.Envelope
}

// dossier is everything that verify looks at; what was not given is nil.
type dossier struct {
	anchor       envelope.Digest
	trust        []*envelope.Envelope
	binding      *paperwork
	certificates []paperwork
	tombstone    []byte
	receipt      *paperwork
	manifest     *paperwork
	command      *paperwork
	index        *beside
	proof        []byte // byte for byte: what is signed in it is lines of text
	checkpoint   []byte // of the desk's log, kept earlier
	growth       []byte // from that to the proof's
}

// dossier reads the files. A file that cannot be read at all is an error of its
// own; what it says is looked at by examine.
func (t *tool) dossier(s sources) (d dossier, err error) {
	if err := s.missing(); err != nil {
		return d, err
	}
	d.anchor = envelope.Digest(s.anchor)
	if !d.anchor.Valid() {
		return d, misuse(errors.New("cannot use --anchor: it is not sha256: and 64 hexadecimal digits"))
	}
	if d.trust, err = t.bundles(s.trust); err != nil {
		return d, err
	}
	for _, file := range s.certificates {
		c, err := t.open(file)
		if err != nil {
			return d, err
		}
		d.certificates = append(d.certificates, *c)
	}
	if s.tombstone != "" {
		if d.tombstone, err = t.read(s.tombstone); err != nil {
			return d, err
		}
	}
	for file, to := range map[string]*[]byte{s.proof: &d.proof, s.checkpoint: &d.checkpoint, s.growth: &d.growth} {
		if file != "" {
			if *to, err = t.read(file); err != nil {
				return d, err
			}
		}
	}
	if s.index != "" {
		if d.index, err = t.beside(s); err != nil {
			return d, err
		}
	}
	return d, t.rest(&d, s)
}

// rest reads the files that hold one envelope each.
func (t *tool) rest(d *dossier, s sources) (err error) {
	for _, one := range []struct {
		file string
		to   **paperwork
	}{
		{s.binding, &d.binding}, {s.receipt, &d.receipt}, {s.manifest, &d.manifest}, {s.command, &d.command},
	} {
		if one.file == "" {
			continue
		}
		if *one.to, err = t.open(one.file); err != nil {
			return err
		}
	}
	return nil
}

func (t *tool) open(file string) (*paperwork, error) {
	text, err := t.read(file)
	if err != nil {
		return nil, err
	}
	e, err := envelope.Parse(text, envelope.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", file, err)
	}
	return &paperwork{file: file, envelope: e}, nil
}

// bundles reads trust bundles: an array of envelopes, or a single one.
func (t *tool) bundles(file string) ([]*envelope.Envelope, error) {
	text, err := t.read(file)
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		list = []json.RawMessage{text}
	}
	var out []*envelope.Envelope
	for _, one := range list {
		e, err := envelope.Parse(one, envelope.MaxSize)
		if err != nil {
			return nil, fmt.Errorf("cannot use %s: %w", file, err)
		}
		out = append(out, e)
	}
	return out, nil
}
