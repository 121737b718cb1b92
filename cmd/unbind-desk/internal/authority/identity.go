package authority

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

const identityPrefix = "AGE-SECRET-KEY-"

// CreateIdentity writes an age identity in the form of age-keygen: when it was
// made and its public half as comments, then the secret.
func CreateIdentity(path string, identity Secret, recipient string, made time.Time) error {
	head := fmt.Sprintf("# created: %s\n# public key: %s\n", made.UTC().Format(time.RFC3339), recipient)
	return Create(path, append(append([]byte(head), identity.Reveal()...), '\n'), 0o600)
}

// ReadIdentities reads every identity of an age identity file; comments and
// empty lines are passed over.
func ReadIdentities(path string) ([]Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the identity: %w", err)
	}
	var found []Secret
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, identityPrefix):
			found = append(found, NewSecret([]byte(line)))
		default:
			return nil, errors.New("cannot read the identity: a line is neither a comment nor an age secret key")
		}
	}
	if len(found) == 0 {
		return nil, errors.New("cannot read the identity: there is no age secret key in it")
	}
	return found, nil
}
