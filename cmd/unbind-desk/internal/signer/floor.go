package signer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
)

// heed holds a trust version against the newest that was ever seen here: a desk
// that serves fewer bundles than before hides what they revoke.
func (p *Process) heed(version int64) error {
	if p.newest == 0 && p.Floor != "" {
		if err := p.readFloor(); err != nil {
			return err
		}
	}
	switch {
	case version < p.newest:
		return envelope.Refuse("E16", "rollback", "cannot sign under trust version %d: version %d was seen before", version, p.newest)
	case version == p.newest:
		return nil
	}
	// Written first: a version that could not be kept is tried again with the next ask.
	if p.Floor != "" {
		if err := authority.Replace(p.Floor, []byte(strconv.FormatInt(version, 10)+"\n"), 0o600); err != nil {
			return err
		}
	}
	p.newest = version
	return nil
}

func (p *Process) readFloor() error {
	text, err := os.ReadFile(p.Floor)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the newest trust version: %w", err)
	}
	kept, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || kept < 1 {
		return fmt.Errorf("cannot read the newest trust version: %s holds no number", p.Floor)
	}
	p.newest = kept
	return nil
}
