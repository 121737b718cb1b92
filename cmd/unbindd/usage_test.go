package main

import (
	"io"
	"strings"
	"testing"
)

// A wrong call ends with 2, whatever is wrong about it, and says where to read on.
func TestAWrongCallEndsWithTwo(t *testing.T) {
	for _, args := range []string{"nonsense", "run nonsense", "run --nonsense", "ledger nonsense", "ledger export", "ledger export --out x"} {
		var problems strings.Builder
		if code := execute(strings.Fields(args), io.Discard, &problems); code != exitUsage || !strings.Contains(problems.String(), "\nNext: Read: ") {
			t.Errorf("%s ends with %d: %s", args, code, problems.String())
		}
	}
	if code := execute([]string{"ledger", "--help"}, io.Discard, io.Discard); code != exitDone {
		t.Errorf("help ends with %d", code)
	}
}
