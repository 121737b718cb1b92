package ledger

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"unbindd/scripts/programtest"
)

// withoutDetector has a build without the race detector do the test that calls it,
// and returns true; that one has to pass, not to be skipped. LEDGER_RACE keeps it.
func withoutDetector(t *testing.T) bool {
	t.Helper()
	if !programtest.Raced || os.Getenv("LEDGER_RACE") != "" {
		return false
	}
	var out bytes.Buffer
	err := programtest.Plain(t.Context(), &out, "^"+t.Name()+"$")
	if err != nil || !strings.Contains(out.String(), "--- PASS: "+t.Name()+" ") {
		t.Fatalf("%v\n%s", err, programtest.Red(out.String()))
	}
	return true
}
