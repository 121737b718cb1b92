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
	p.newest = version
	if p.Floor == "" {
		return nil
	}
	return authority.Replace(p.Floor, []byte(strconv.FormatInt(version, 10)+"\n"), 0o600)
}

func (p *Process) readFloor() error {
	text, err := os.ReadFile(p.Floor)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the newest trust version: %w", err)
	}
	p.newest, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || p.newest < 1 {
		return fmt.Errorf("cannot read the newest trust version: %s holds no number", p.Floor)
	}
	return nil
}
