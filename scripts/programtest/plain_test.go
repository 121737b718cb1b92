package programtest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	OwnMounts()
	os.Exit(Run(m))
}

// TestInThePlainBuild is a test that Plain is asked to run.
func TestInThePlainBuild(t *testing.T) {
	switch os.Getenv("PROGRAMTEST_WANTS") {
	case "":
		return // nobody asked
	case "failure":
		t.Error("as it was asked to")
	}
	t.Logf("with the detector: %v", Raced)
}

// A plain build has no detector, says what it does, and fails where a test fails or
// there is none.
func TestPlainEndsAsItsTestsDo(t *testing.T) {
	for _, c := range []struct{ wants, pattern, why string }{
		{"success", "^TestInThePlainBuild$", ""},
		{"failure", "^TestInThePlainBuild$", "exit status 1"},
		{"success", "^TestOfNobody$", "there is no such test"},
	} {
		t.Setenv("PROGRAMTEST_WANTS", c.wants)
		var said bytes.Buffer
		err := Plain(t.Context(), &said, c.pattern)
		switch {
		case c.why == "" && (err != nil || !strings.Contains(said.String(), "with the detector: false")):
			t.Errorf("%s: %v\n%s", c.pattern, err, said.String())
		case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
			t.Errorf("%s, which wants %s: %v", c.pattern, c.wants, err)
		}
	}
	if err := Clear(); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(plain.binary); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

// book keeps what a page would tell a test.
type book struct {
	*testing.T
	failed bool
}

func (b *book) Fatal(args ...any)                  { b.FailNow() }
func (b *book) FailNow()                           { b.failed = true; panic(b) }
func (b *book) Log(...any)                         {}
func (b *book) Parallel()                          {}
func (b *book) Run(_ string, f func(testscript.T)) { f(b) }
func (b *book) Skip(args ...any)                   { b.T.Skip(args...) }
func (b *book) Verbose() bool                      { return false }

// A page's "exits" holds a program to its code, and to nothing else.
func TestExitsHoldsAProgramToItsCode(t *testing.T) {
	for page, want := range map[string]bool{
		"exits 3 sh -c 'exit 3'":  true,
		"exits 0 true":            true,
		"exits 0 sh -c 'exit 3'":  false,
		"exits 3 true":            false,
		"exits 1 no-such-program": false,
		"exits x true":            false,
		"! exits 3 true":          false,
	} {
		name := filepath.Join(t.TempDir(), "page.txtar")
		if err := os.WriteFile(name, []byte(page+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		b := &book{T: t}
		func() {
			defer func() {
				if r := recover(); r != nil && r != any(b) {
					panic(r)
				}
			}()
			testscript.RunT(b, testscript.Params{Files: []string{name}, Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": Exits}})
		}()
		if b.failed == want {
			t.Errorf("%s: failed %v", page, b.failed)
		}
	}
}
