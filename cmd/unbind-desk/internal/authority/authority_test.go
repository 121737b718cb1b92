package authority

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
)

func TestSecretPrintsNothing(t *testing.T) {
	s := NewSecret([]byte("AGE-SECRET-KEY-1"))
	holder := struct {
		Name   string
		Secret Secret
	}{"x", s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{s, &s, holder, &holder, []Secret{s}, map[string]Secret{"k": s}} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "AGE") || strings.Contains(strings.ToLower(out), "4147452d") || strings.Contains(out, "65 71 69") {
				t.Errorf("%s of %T prints the secret", verb, v)
			}
		}
	}
	text, err := json.Marshal(holder)
	if err != nil || string(text) != `{"Name":"x","Secret":""}` {
		t.Errorf("JSON of a secret is %s, %v", text, err)
	}
	var back Secret
	if err := json.Unmarshal([]byte(`"QUdF"`), &back); err != nil || string(back.Reveal()) != "AGE" {
		t.Errorf("a secret is not read from base64: %v", err)
	}
	if err := json.Unmarshal([]byte(`"secret!"`), &back); err == nil || strings.Contains(err.Error(), "secret!") {
		t.Errorf("a malformed secret: %v", err)
	}
	if (Secret{}).Reveal() != nil {
		t.Error("the zero secret holds something")
	}
}

func TestKeyFiles(t *testing.T) {
	dir := t.TempDir()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "key.pem")
	if err := CreateKey(path, key); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file has mode %v, %v", info.Mode(), err)
	}
	if err := CreateKey(path, key); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a key file was written over: %v", err)
	}
	signer, err := ReadSigner(path)
	if err != nil || signer.Public().ID() != envelope.NewSigner(key).Public().ID() {
		t.Fatalf("the key does not come back: %v", err)
	}
	public, err := PublicPEM(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	stock, err := exec.Command("openssl", "pkey", "-in", path, "-pubout").Output()
	if err != nil || !bytes.Equal(stock, public) {
		t.Fatalf("openssl writes another public key: %v\n%s%s", err, stock, public)
	}
	if back, err := ParsePublicPEM(public); err != nil || back.ID() != signer.Public().ID() {
		t.Fatalf("the public key does not come back: %v", err)
	}
	if _, err := ParsePublicPEM(bytes.Replace(public, []byte("PUBLIC"), []byte("SECRET"), 2)); err == nil {
		t.Fatal("a file with another label is read")
	}
}

func TestTLSKeyIsNoSigner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tls.key")
	key, err := NewTLSKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := CreateKey(path, key); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSigner(path); err == nil {
		t.Fatal("a TLS key signs envelopes")
	}
}

func TestReplaceLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, text := range []string{"one", "two"} {
		if err := Replace(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	entries, err2 := os.ReadDir(dir)
	if err := errors.Join(err, err2); err != nil || string(text) != "two" || len(entries) != 1 {
		t.Fatalf("the file says %q, the folder has %d files: %v", text, len(entries), err)
	}
	if err := Replace(filepath.Join(dir, "none", "f"), nil, 0o644); err == nil {
		t.Fatal("a file was written where there is no folder")
	}
}

func TestIdentities(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "recipient.key")
	if err := CreateIdentity(path, NewSecret([]byte("AGE-SECRET-KEY-1X")), "age1x", time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "# created: 1970-01-01T00:00:00Z\n# public key: age1x\nAGE-SECRET-KEY-1X\n" {
		t.Fatalf("the identity file says %q: %v", text, err)
	}
	if ids, err := ReadIdentities(path); err != nil || len(ids) != 1 || string(ids[0].Reveal()) != "AGE-SECRET-KEY-1X" {
		t.Fatalf("the identity does not come back: %v", err)
	}
	for _, text := range []string{"", "# only a comment\n", "AGE-SECRET-KEY-1X\nnonsense-with-a-key\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadIdentities(path); err == nil || strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	now := time.Now()
	ca, err := NewCA("desk", now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewTLSKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one, err := ca.Client("T-1", "terminal", key.Public(), now)
	if err != nil {
		t.Fatal(err)
	}
	two, err := ca.Client("T-1", "terminal", key.Public(), now)
	if err != nil || one.Serial == two.Serial || len(one.Serial) != 32 {
		t.Fatalf("serial numbers %s and %s: %v", one.Serial, two.Serial, err)
	}
}
