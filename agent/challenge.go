package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"unbindd/agent/journal"
	"unbindd/agent/local"
)

// crockford32 is the alphabet of challenges: no letter that is misread.
const crockford32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// crockford draws 130 random bits as 26 characters.
func (a *Agent) crockford() (string, error) {
	var b [26]byte
	if _, err := io.ReadFull(a.Rand, b[:]); err != nil {
		return "", fmt.Errorf("cannot draw a random number: %w", err)
	}
	for i := range b {
		b[i] = crockford32[b[i]&31]
	}
	return string(b[:]), nil
}

// newChallenge replaces the one outstanding; it is on disk before it is shown.
func (a *Agent) newChallenge() (local.Challenge, error) {
	a.taking.Lock()
	defer a.taking.Unlock()
	id := a.identity()
	if id == nil {
		return local.Challenge{}, errNotBound
	}
	seconds, boot, err := uptime()
	if err != nil {
		return local.Challenge{}, err
	}
	value, err := a.crockford()
	if err != nil {
		return local.Challenge{}, err
	}
	seq, err := a.journal.LastSeq()
	if err != nil {
		return local.Challenge{}, err
	}
	if err := a.journal.SetChallenge(journal.Challenge{Value: value, Boot: boot, Uptime: seconds}); err != nil {
		return local.Challenge{}, fmt.Errorf("cannot write the challenge down: %w", err)
	}
	c := local.Challenge{
		Schema: local.Schema, Challenge: value, Terminal: string(id.binding.Terminal),
		Epoch: id.binding.Epoch, Seq: seq, Trust: id.trust.Version,
	}
	text := fmt.Sprintf("UBC1/%s/%d/%d/%d/%s", c.Terminal, c.Epoch, c.Seq, c.Trust, value)
	sum := sha256.Sum256([]byte(text))
	c.Text = text + "/" + hex.EncodeToString(sum[:2])
	return c, nil
}
