package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
)

// TestMain makes the test binary the program itself under the name unbind-desk,
// so that what is killed here is a real process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"unbind-desk": main,
	})
}

// signWait bounds waiting for a sign that never comes; no test passes by it.
const signWait = time.Minute

// office is a desk's directory with the process that serves it.
type office struct {
	t      *testing.T
	dir    directory.Dir
	work   string // for files of people
	url    string
	listen string

	cmd   *exec.Cmd
	lines chan string
	log   *bytes.Buffer
	drawn int

	patience time.Duration // how long to wait for a sign; 0 means signWait
}

// newOffice founds a desk and serves it.
func newOffice(t *testing.T, args ...string) *office {
	t.Helper()
	work := t.TempDir()
	o := &office{t: t, dir: directory.Dir(filepath.Join(work, "desk")), work: work, listen: "127.0.0.1:0"}
	o.cli("init", "--dir", string(o.dir), "--inventory", "logs=/var/log/pay/*.log")
	o.start(args...)
	return o
}

// start serves the directory; a second start takes the same address.
func (o *office) start(args ...string) {
	o.t.Helper()
	o.cmd = exec.Command("unbind-desk", append([]string{"serve", "--dir", string(o.dir), "--listen", o.listen}, args...)...)
	out, err := o.cmd.StdoutPipe()
	o.check(err)
	o.log = &bytes.Buffer{}
	o.cmd.Stderr = o.log
	o.check(o.cmd.Start())
	o.lines = make(chan string, 16)
	go read(out, o.lines)
	o.t.Cleanup(func() { _ = o.cmd.Process.Kill() }) // it may have ended long ago
	o.url = strings.TrimPrefix(o.await("ready "), "ready ")
	o.listen = strings.TrimPrefix(o.url, "https://")
}

func read(from io.Reader, lines chan<- string) {
	for s := bufio.NewScanner(from); s.Scan(); {
		lines <- s.Text()
	}
	close(lines)
}

// await waits for a line of the desk that begins so.
func (o *office) await(prefix string) string {
	o.t.Helper()
	for over := time.After(cmp.Or(o.patience, signWait)); ; {
		select {
		case line, ok := <-o.lines:
			if !ok {
				o.t.Fatalf("the desk ended before it said %q: %s", prefix, o.log)
			}
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-over:
			o.t.Fatalf("the desk never said %q", prefix)
		}
	}
}

// kill cuts the power.
func (o *office) kill() {
	o.t.Helper()
	o.check(o.cmd.Process.Kill())
	_ = o.cmd.Wait() // it was killed: an error is what it must return
}

// stop ends the desk as an operator does, and returns its exit code.
func (o *office) stop() int {
	o.t.Helper()
	o.check(o.cmd.Process.Signal(syscall.SIGTERM))
	err := o.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatal(err)
	}
	return o.cmd.ProcessState.ExitCode()
}

func (o *office) check(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// cli runs a verb that must succeed and returns what it printed.
func (o *office) cli(args ...string) string {
	o.t.Helper()
	out, errOut, code := verb(o.t, args...)
	if code != 0 {
		o.t.Fatalf("unbind-desk %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errOut)
	}
	return out
}

func verb(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// file is a new name for a file of people.
func (o *office) file(name string) string {
	o.drawn++
	return filepath.Join(o.work, strings.Repeat("x", o.drawn)+"-"+name)
}

// signer is one of the demo keys.
func (o *office) signer(holder string) envelope.Signer {
	o.t.Helper()
	s, err := authority.ReadSigner(o.dir.Key(holder))
	o.check(err)
	return s
}

// order issues an order with the given flags, has the holders sign it,
// publishes it and returns it.
func (o *office) order(flags []string, holders ...string) *envelope.Envelope {
	o.t.Helper()
	e, path := o.draft(flags, holders...)
	o.cli("publish", "--dir", string(o.dir), path)
	return e
}

func (o *office) draft(flags []string, holders ...string) (*envelope.Envelope, string) {
	o.t.Helper()
	path := o.file("order.json")
	args := []string{"issue"}
	if slices.Contains([]string{"cancel", "amend", "close"}, flags[0]) {
		args, flags = append(args, flags[0]), flags[1:]
	}
	o.cli(slices.Concat(args, []string{"--dir", string(o.dir), "--out", path}, flags)...)
	for _, h := range holders {
		o.cli("sign", "--key", o.dir.Key(h), path)
	}
	e, err := readEnvelope(path)
	o.check(err)
	return e, path
}

// unbind is what issue needs for a plain unbinding of a terminal.
func unbind(terminal string, more ...string) []string {
	return append([]string{"--terminal", terminal, "--action", "rebind", "--profile", "rebind-standard", "--reason", "merchant-closed"}, more...)
}
