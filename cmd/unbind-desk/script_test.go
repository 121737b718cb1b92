package main

import (
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
)

// The promises of the verbs on the command line, as scripts: what is printed,
// what is refused, and with which exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			for name, text := range unsigned() {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), text, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "serve": serveInScript},
	})
}

// exits runs a command that must end with the given code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%v ended with %d, want %d", args[1:], got, want)
	}
}

// serveInScript serves a directory until the script ends, with the flags that follow.
func serveInScript(ts *testscript.TestScript, _ bool, args []string) {
	c := exec.Command("unbind-desk", append([]string{"serve", "--dir", ts.MkAbs(args[0])}, args[1:]...)...)
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	lines := make(chan string, 16)
	go read(out, lines)
	if _, ok := <-lines; !ok {
		ts.Fatalf("the desk did not start")
	}
	ts.Defer(func() {
		_ = c.Process.Kill() // the script may have ended it
		_ = c.Wait()
	})
}

// unsigned are drafts as issue would write them, good and spoiled.
func unsigned() map[string][]byte {
	digest := envelope.DigestOf(nil)
	c := command.Command{
		Action: command.Rebind, Backup: command.Backup{Gate: command.GateReceipt, Set: "rcp-demo"}, Binding: digest,
		Case: "C-2026-000001", Device: "ed25519:0000000000000000", Epoch: 1, ID: "id-1", Issued: 1790000000, Level: command.Clear,
		NotAfter: 1791000000, NotBefore: 1790000000, Profile: command.Named{Digest: digest, ID: "rebind-standard"},
		Reason: "merchant-closed", Root: 1, Scope: []envelope.ID{"host-keys", "ledger", "reader-keys"}, Seq: 1, Terminal: "T-1", V: 1,
	}
	files := map[string][]byte{
		"command.json": draftOf("command", c),
		"cancel.json":  draftOf("cancel", command.Cancel{Case: c.Case, Command: digest, Terminal: "T-1", V: 1}),
		"receipt.json": draftOf("receipt", map[string]any{"v": 1}),
		"spaced.json":  plainDraft("cancel", `{"case":"C-1", "command":"`+string(digest)+`","terminal":"T-1","v":1}`),
		"doubled.json": plainDraft("cancel", `{"case":"C-1","case":"C-2","command":"`+string(digest)+`","terminal":"T-1","v":1}`),
		"unknown.json": plainDraft("cancel", `{"case":"C-1","command":"`+string(digest)+`","extra":1,"terminal":"T-1","v":1}`),
	}
	c.Backup.Gate = command.GateNone
	files["nobackup.json"] = draftOf("command", c)
	return files
}

func draftOf(kind string, payload any) []byte {
	e, err := envelope.Seal(envelope.Type(kind), payload)
	if err != nil {
		panic(err) // the payloads above always encode
	}
	return e.Encode()
}

func plainDraft(kind, payload string) []byte {
	return []byte(`{"payload":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","payloadType":"` + envelope.Type(kind) + `","signatures":[]}`)
}
