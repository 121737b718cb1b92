package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"unbindd/agent/backup"
	"unbindd/agent/envelope"
	"unbindd/agent/ledger"
	"unbindd/agent/trust"
)

// TestSealForLab seals the backup of an empty ledger under an accepted command.
// The crash lab runs it with its mount as the place of the spool alone.
func TestSealForLab(t *testing.T) {
	dir, told := os.Getenv("CRASH_DIR"), io.Discard
	if dir == "" {
		dir = t.TempDir()
	} else {
		f, err := os.OpenFile(filepath.Join(dir, ".told"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		told = f
	}
	b := newBound(t)
	b.accept()
	c, err := b.a.openCase()
	b.no(err)
	key, recipient, err := backup.NewRecipient()
	b.no(err)
	fmt.Fprintln(told, "key", key)
	drawn := sha256.Sum256([]byte(key))
	aead, err := chacha20poly1305.NewX(drawn[:])
	b.no(err)
	a := &Agent{at: places{dir}, id: &identity{raw: b.a.id.raw, trust: &trust.Trust{Bundle: trust.Bundle{
		Recipients: map[envelope.ID][]trust.Recipient{c.command.Backup.Set: {{Age: envelope.Recipient(recipient)}}},
	}}}}
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"), ledger.Options{AEAD: aead, Binding: a.id.raw})
	b.no(err)
	b.no(errors.Join(makeDirs(a.at.spool()), syncDir(dir)))
	_, err = a.seal(context.Background(), c, l)
	b.no(errors.Join(err, l.Close()))
	fmt.Fprintln(told, "sealed")
	b.no(judgeSealed(a.at, []string{"key " + key, "sealed"}))
}

// judgeSealed wants the sealed file whole where it has its name, and there if
// that was told.
func judgeSealed(at places, told []string) error {
	f, err := os.Open(at.sealed())
	if errors.Is(err, os.ErrNotExist) && told[len(told)-1] != "sealed" {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, _, err = backup.Open(f, []string{strings.TrimPrefix(told[0], "key ")}, func([]byte) error { return nil })
	return err
}
