package merkle

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
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
	} {
		run := exec.Command("../../scripts/check-growth.sh", c.key, file("earlier", c.earlier), file("later", c.later))
		said, _ := run.CombinedOutput() // its code is looked at
		if run.ProcessState.ExitCode() != c.code || !strings.Contains(string(said), c.says) {
			t.Errorf("%s: %d, %s", name, run.ProcessState.ExitCode(), said)
		}
	}
}

func firstHash(proof []byte) string { return strings.Split(string(proof), "\n")[1] }
