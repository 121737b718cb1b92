package merkle

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/envelope"
)

// Stock tools, which know none of our code, believe the proofs of growth that are right,
// and nothing else; and they find two logs of one key from two checkpoints alone.
func TestStockToolsCheckThatTheLogGrew(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	public := func(name string, by envelope.Signer) string {
		der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(by.Public().Pub))
		if err != nil {
			t.Fatal(err)
		}
		return file(name, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	m, forked := grow(t, 13), grow(t, 2)
	for i := 20; i < 31; i++ {
		_, made, err := Append(int64(i-18), leaf(i), forked.read)
		if err != nil {
			t.Fatal(err)
		}
		forked.all = append(forked.all, made...)
	}
	growth := func(of *tree, from, to int) []byte {
		proof, err := ProveGrowth(int64(from), int64(to), of.signed(t, to), of.read)
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	exchange, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(exchange.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	kind := file("kind.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	logs, others := public("key.pem", key(1)), public("other.pem", key(2))
	for name, c := range map[string]struct {
		key            string
		earlier, later []byte
		code           int
		says           string
	}{
		"3 to 7":          {logs, m.signed(t, 3), growth(m, 3, 7), 0, "the log of 7 leaves continues the one of 3"},
		"4 to 13":         {logs, m.signed(t, 4), growth(m, 4, 13), 0, "the log of 13 leaves continues the one of 4"},
		"1 to 2":          {logs, m.signed(t, 1), growth(m, 1, 2), 0, "continues"},
		"6 to 8":          {logs, m.signed(t, 6), growth(m, 6, 8), 0, "continues"},
		"7 to 7":          {logs, m.signed(t, 7), growth(m, 7, 7), 0, "the same 7 leaves"},
		"another log":     {logs, m.signed(t, 3), growth(forked, 3, 7), 1, "does not begin at the log of 3 leaves"},
		"another size":    {logs, m.signed(t, 3), growth(m, 4, 7), 1, "for another size"},
		"another key":     {others, m.signed(t, 3), growth(m, 3, 7), 1, "not signed by the log's key"},
		"a hash less":     {logs, m.signed(t, 3), []byte(strings.Replace(string(growth(m, 3, 7)), firstHash(growth(m, 3, 7))+"\n", "", 1)), 1, "FAILED"},
		"two of one size": {logs, m.signed(t, 7), forked.signed(t, 7), 1, "two logs of 7 leaves"},
		"two sizes":       {logs, m.signed(t, 3), forked.signed(t, 7), 3, "ask the desk"},
		"no such thing":   {logs, []byte("a page\n"), growth(m, 3, 7), 1, "FAILED"},

		"no line end":           {logs, bytes.TrimRight(m.signed(t, 3), "\n"), bytes.TrimRight(growth(m, 3, 7), "\n"), 0, "continues"},
		"an odd witness":        {logs, witnessed(m.signed(t, 3)), witnessed(growth(m, 3, 7)), 0, "continues"},
		"a hash that is none":   {logs, m.signed(t, 3), []byte(strings.Replace(string(growth(m, 3, 7)), firstHash(growth(m, 3, 7)), "%%%", 1)), 1, "FAILED  a line of the proof is no hash"},
		"half a hash":           {logs, m.signed(t, 3), []byte(strings.Replace(string(growth(m, 3, 7)), firstHash(growth(m, 3, 7)), "QUJD", 1)), 1, "FAILED  a line of the proof is no hash"},
		"one size by another":   {logs, m.signed(t, 3), slices.Concat([]byte("old 5\n\n"), m.signed(t, 3)), 1, "for another size"},
		"no key":                {file("page", []byte("a page\n")), m.signed(t, 3), growth(m, 3, 7), 2, "no public key"},
		"a key of another kind": {kind, m.signed(t, 3), growth(m, 3, 7), 2, "no public key"},
	} {
		run := exec.Command("../../scripts/check-growth.sh", c.key, file("earlier", c.earlier), file("later", c.later))
		said, _ := run.CombinedOutput() // its code is looked at
		if run.ProcessState.ExitCode() != c.code || !strings.Contains(string(said), c.says) {
			t.Errorf("%s: %d, %s", name, run.ProcessState.ExitCode(), said)
		}
	}
}

// An openssl that cannot check such a signature accuses nobody.
func TestAnOlderOpensslAccusesNobody(t *testing.T) {
	dir := t.TempDir()
	older := "#!/bin/sh\ncase \"$*\" in *-rawin*) echo 'pkeyutl: Unrecognized flag rawin' >&2; exit 1;; *-help*) exit 0;; esac\necho ED25519 Public-Key:\n"
	for name, text := range map[string]string{"openssl": older, "key.pem": "", "earlier": "", "later": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("../../scripts/check-growth.sh", filepath.Join(dir, "key.pem"), filepath.Join(dir, "earlier"), filepath.Join(dir, "later"))
	run.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	said, _ := run.CombinedOutput() // its code is looked at
	if run.ProcessState.ExitCode() != 2 || !strings.Contains(string(said), "rawin") {
		t.Errorf("%d, %s", run.ProcessState.ExitCode(), said)
	}
}

// witnessed is a text with a signature before the log's that is not even base64.
func witnessed(text []byte) []byte {
	return []byte(strings.Replace(string(text), "\n\n\u2014", "\n\n\u2014 witness %%%\n\u2014", 1))
}

func firstHash(proof []byte) string { return strings.Split(string(proof), "\n")[1] }
