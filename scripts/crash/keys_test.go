//go:build (amd64 || arm64) && !android

package crash

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"unbindd/agent/keys"
)

func init() { works["keys"] = makeKeys }

var (
	aad     = []byte("binding")
	pairing = bytes.Repeat([]byte{7}, 32)
)

func preimage(n int) (r [32]byte) { return [32]byte(bytes.Repeat([]byte{byte(n)}, 32)) }

// makeKeys makes a store, and puts the reader's key and two preimages into it.
func makeKeys(dir string, seed uint64, say func(string)) error {
	s, err := keys.Create(filepath.Join(dir, "keys"), seeded(seed))
	if err != nil {
		return err
	}
	say("public " + hex.EncodeToString(s.DevicePublic()))
	if err := s.SetPairing(keys.NewSecret(bytes.Clone(pairing))); err != nil {
		return err
	}
	say("pairing")
	for n := 1; n <= 2; n++ {
		say(fmt.Sprint("begin ", n))
		if err := s.SealPreimage(preimage(n), aad); err != nil {
			return err
		}
		say(fmt.Sprint("ack ", n))
	}
	return nil
}

// judgeKeys opens what the cut left: a finished store is whole and the same, one
// that is not finished is made anew, and what was stored opens.
func judgeKeys(dir string, told []string) error {
	dir = filepath.Join(dir, "keys")
	public := ""
	for _, line := range told {
		if word, ok := strings.CutPrefix(line, "public "); ok {
			public = word
		}
	}
	s, err := keys.Open(dir)
	if errors.Is(err, keys.ErrAbsent) && public == "" {
		if s, err = keys.Create(dir, rand.Reader); err == nil {
			_, err = s.LedgerAEAD()
		}
		return err
	}
	if err != nil {
		return err
	}
	if public != "" && hex.EncodeToString(s.DevicePublic()) != public {
		return fmt.Errorf("the device key is another one")
	}
	if !s.Has(keys.Data) || !s.Has(keys.Identity) {
		return fmt.Errorf("the store counts as finished and is not whole: data %v, identity %v", s.Has(keys.Data), s.Has(keys.Identity))
	}
	return errors.Join(judgePairing(s, told), judgePreimage(s, told))
}

func judgePairing(s *keys.Store, told []string) error {
	key, err := s.Pairing()
	if errors.Is(err, keys.ErrGone) && len(told) < 2 {
		return s.SetPairing(keys.NewSecret(bytes.Clone(pairing)))
	}
	if err != nil || !bytes.Equal(key.Bytes(), pairing) {
		return fmt.Errorf("the pairing key is not what was stored: %v", err)
	}
	return nil
}

func judgePreimage(s *keys.Store, told []string) error {
	acked, begun := bounds(told)
	r, err := s.OpenPreimage(aad)
	if errors.Is(err, keys.ErrGone) && acked == 0 {
		return s.SealPreimage(preimage(9), aad)
	}
	if err != nil {
		return err
	}
	if n := uint64(r[0]); n < acked || n > begun || r != preimage(int(n)) {
		return fmt.Errorf("stored was preimage %d, begun %d, and there is %d", acked, begun, n)
	}
	return nil
}

func keysReplay() *replay {
	return &replay{store: "keys", seed: seedOf(1), randoms: number("CRASH_RANDOMS", 8), judge: judgeKeys, only: envCase()}
}

func TestKeysAreWholeOrAbsent(t *testing.T) {
	r := keysReplay()
	green(t, "keys", r.run(t, recorded(t, r.seed, "keys")))
}
