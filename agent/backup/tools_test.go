package backup

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Somebody who has only stock tools: age, zstd, jq and sha256sum open the file,
// read every line, and check the trailer's count and sha256.
const script = `
set -eu
age -d -i identity backup | zstd -dq > plain
jq -e -c . plain > /dev/null
sed '$d' plain > body
test "$(tail -n 1 plain | jq -r .sha256)" = "$(sha256sum < body | cut -d' ' -f1)"
test "$(tail -n 1 plain | jq -r .count)" = "$(sed 1d body | wc -l)"
test "$(head -n 1 plain | jq -r .kind)" = unbindd-backup
sed 1d body | jq -s 'map(.t.amount) | add'
`

func TestStockTools(t *testing.T) {
	identity, recipient := people(t)
	sealed, _ := mustSeal(t, someLines(2000), recipient)
	dir := t.TempDir()
	for name, content := range map[string][]byte{"backup": sealed, "identity": []byte(identity + "\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := shell(dir)
	if err != nil || strings.TrimSpace(out) != "1999000" {
		t.Fatalf("stock tools answer %q, %v", out, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "backup"), sealed[:len(sealed)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := shell(dir); err == nil {
		t.Fatalf("stock tools take a cut file: %q", out)
	}
}

func shell(dir string) (string, error) {
	cmd := exec.Command("bash", "-o", "pipefail", "-c", script)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}
