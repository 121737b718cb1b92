package main

import (
	"bytes"
	"crypto/ed25519"
	cryptorand "crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/spf13/cobra"

	"unbindd/device/devicesim"
)

func initCommand() *cobra.Command {
	var nvm, serial, protocol, ticketKey, out, seed string
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a new reader: its memory file with keys, and the list of the key injection",
		Long: `Make a new reader: its memory file with keys, and the list of the key injection.

The list (--out) holds the pairing key of the reader and is as secret as that key.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := readTicketKey(ticketKey)
			if err != nil {
				return err
			}
			return makeReader(nvm, out, devicesim.Spec{
				Serial: serial, Protocol: protocol, TicketKey: key, Rand: keySource(seed),
			})
		},
	}
	f := c.Flags()
	f.StringVar(&nvm, "nvm", "", "memory file to make")
	f.StringVar(&serial, "serial", "", "serial number, such as PED-0001")
	f.StringVar(&protocol, "protocol", "pedlink", "whose key slots it has: pedlink, mpos or ccid")
	f.StringVar(&ticketKey, "ticket-key", "", "file with the Ed25519 public key of the ticket signer, PEM or base64")
	f.StringVar(&out, "out", "", "injection list to write")
	f.StringVar(&seed, "seed", "", "make the same keys again from this text; never for a real purpose")
	for _, name := range []string{"nvm", "serial", "ticket-key", "out"} {
		cobra.CheckErr(c.MarkFlagRequired(name))
	}
	return c
}

func keySource(seed string) io.Reader {
	if seed == "" {
		return cryptorand.Reader
	}
	return rand.NewChaCha8(sha256.Sum256([]byte(seed)))
}

// makeReader opens the list before it makes the reader: one whose list cannot be written could never be paired.
func makeReader(nvm, out string, spec devicesim.Spec) (err error) {
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write injection list: %w", err)
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(out))
		}
	}()
	injection, err := devicesim.Create(nvm, spec)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(injection, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot write injection list: %w", err)
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("cannot write injection list: %w", err)
	}
	return f.Sync()
}

// readTicketKey takes a PEM file (PUBLIC KEY) or one line of base64, raw or DER inside.
func readTicketKey(path string) (ed25519.PublicKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read ticket key: %w", err)
	}
	raw := text
	if block, _ := pem.Decode(text); block != nil {
		raw = block.Bytes
	} else if raw, err = base64.StdEncoding.DecodeString(string(bytes.TrimSpace(text))); err != nil {
		return nil, fmt.Errorf("cannot read ticket key %s: neither PEM nor base64", path)
	}
	if len(raw) == ed25519.PublicKeySize {
		return raw, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot read ticket key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("cannot read ticket key %s: it is no Ed25519 key", path)
	}
	return key, nil
}
