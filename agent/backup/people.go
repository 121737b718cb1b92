package backup

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
)

// NewRecipient makes an X25519 identity (AGE-SECRET-KEY-1…) and its recipient
// (age1…), with the system's randomness. It is for a desk that keeps its own
// restore key; escrow keys are made where they stay, with age-keygen.
func NewRecipient() (identity, recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", fmt.Errorf("cannot make a recipient: %w", err)
	}
	return id.String(), id.Recipient().String(), nil
}

// CheckRecipients reports why a set of recipients cannot be sealed to: none, a
// malformed one, or hybrid and classic ones together, which age refuses because
// the set would be no stronger than its weakest.
func CheckRecipients(recipients []string) error {
	_, err := parseRecipients(recipients)
	return err
}

func parseRecipients(texts []string) ([]age.Recipient, error) {
	if len(texts) == 0 {
		return nil, errors.New("there is no recipient")
	}
	var recipients []age.Recipient
	hybrid := 0
	for i, text := range texts {
		r, err := parseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("recipient %d: %w", i+1, err)
		}
		if _, ok := r.(*age.HybridRecipient); ok {
			hybrid++
		}
		recipients = append(recipients, r)
	}
	if hybrid != 0 && hybrid != len(recipients) {
		return nil, errors.New("hybrid and classic recipients do not mix")
	}
	return recipients, nil
}

// RecipientsOf are the recipients whose files a set of identities opens.
func RecipientsOf(identities []string) ([]string, error) {
	parsed, err := parseIdentities(identities)
	if err != nil {
		return nil, fmt.Errorf("cannot read the identities: %w", err)
	}
	var recipients []string
	for _, id := range parsed {
		switch id := id.(type) {
		case *age.HybridIdentity:
			recipients = append(recipients, id.Recipient().String())
		case *age.X25519Identity:
			recipients = append(recipients, id.Recipient().String())
		}
	}
	return recipients, nil
}

func parseRecipient(text string) (age.Recipient, error) {
	if strings.HasPrefix(text, "age1pq1") {
		return age.ParseHybridRecipient(text)
	}
	return age.ParseX25519Recipient(text)
}

// parseIdentities never lets age's own errors out: they may quote the key.
func parseIdentities(texts []string) ([]age.Identity, error) {
	if len(texts) == 0 {
		return nil, errors.New("there is no identity")
	}
	var identities []age.Identity
	for i, text := range texts {
		id, err := parseIdentity(text)
		if err != nil {
			return nil, fmt.Errorf("identity %d is malformed", i+1)
		}
		identities = append(identities, id)
	}
	return identities, nil
}

func parseIdentity(text string) (age.Identity, error) {
	if strings.HasPrefix(text, "AGE-SECRET-KEY-PQ-1") {
		return age.ParseHybridIdentity(text)
	}
	return age.ParseX25519Identity(text)
}
