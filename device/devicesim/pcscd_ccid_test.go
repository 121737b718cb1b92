package devicesim_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/device/devicesim"
)

// The conformance tests let software speak with the simulator that was written without knowing it: pcscd with libccid's driver for
// serial readers, and on top of it opensc-tool, scriptor and pcsc_scan. scripts/deps.sh installs all of it.

const (
	serialDriver = "/usr/lib/pcsc/drivers/serial/libccidtwin.so"
	pcscSocket   = "/run/pcscd/pcscd.comm" // fixed when pcscd was built, so a machine has room for one
	patience     = time.Minute             // for a machine that is busy with other tests
)

// pcsc is a pcscd on the line of one simulated reader.
type pcsc struct {
	t     *testing.T
	sim   *devicesim.Sim
	log   *transcript
	ended chan struct{}
}

// newPCSC switches a reader on and puts a pcscd before it that knows nothing else.
func newPCSC(t *testing.T, options devicesim.Options) *pcsc {
	t.Helper()
	dir := t.TempDir()
	aloneOnTheMachine(t)
	seed := sha256.Sum256([]byte(dir))
	nvm := filepath.Join(dir, "nvm")
	_, err := devicesim.Create(nvm, devicesim.Spec{
		Serial: fmt.Sprintf("PED-%X", seed[:4]), TicketKey: make([]byte, ed25519.PublicKeySize), Rand: rand.NewChaCha8(seed),
	})
	must(t, err)
	options.Protocol, options.Link = "ccid", filepath.Join(dir, "tty")
	sim, err := devicesim.Start(nvm, options)
	must(t, err)
	t.Cleanup(func() { must(t, sim.Close()) })

	config := filepath.Join(dir, "conf.d")
	must(t, os.Mkdir(config, 0o755))
	must(t, os.WriteFile(filepath.Join(config, "reader"), fmt.Appendf(nil,
		"FRIENDLYNAME \"%[1]s\"\nDEVICENAME %[2]s:%[1]s\nLIBPATH %[3]s\nCHANNELID 1\n", options.Model, options.Link, serialDriver), 0o644))
	p := &pcsc{t: t, sim: sim, log: newTranscript(), ended: make(chan struct{})}
	p.startDaemon(config)
	return p
}

// aloneOnTheMachine waits until no other test has a pcscd, and does not go on beside somebody else's.
func aloneOnTheMachine(t *testing.T) {
	t.Helper()
	path := filepath.Join(os.TempDir(), "unbindd-pcscd.lock")
	f, err := os.Open(path) // it may be another user's, and then creating it is forbidden
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o644)
	}
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	must(t, err)
	if c, err := net.Dial("unix", pcscSocket); err == nil {
		must(t, c.Close())
		t.Fatalf("a pcscd that is not ours listens on %s, and a machine has room for one: stop it for this test "+
			"(systemctl stop pcscd.socket pcscd.service)", pcscSocket)
	}
}

// startDaemon starts pcscd and waits until it has found its readers. It is stopped before the reader is: without its
// line it would run in circles.
func (p *pcsc) startDaemon(config string) {
	p.t.Helper()
	cmd := exec.Command(tool(p.t, "pcscd"), "--foreground", "--debug", "--config", config)
	cmd.Env = append(os.Environ(), "LIBCCID_ifdLogLevel=0x000F") // the driver shows every frame
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(p.t, cmd.Start())
	go func() { _ = cmd.Wait(); close(p.ended) }() // how it ended is in its log
	p.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may be gone
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill()
			<-p.ended
			p.t.Error("pcscd did not end when it was told to")
		}
		if p.t.Failed() {
			p.t.Logf("pcscd said:\n%s", p.log)
		}
	})
	p.says("daemon ready")
}

// says waits until pcscd says something.
func (p *pcsc) says(sign string) {
	p.t.Helper()
	p.log.wait(p.t, sign, p.ended)
}

// wantSoundFrames looks for what libccid only mentions, and goes on.
func (p *pcsc) wantSoundFrames() {
	p.t.Helper()
	for _, complaint := range []string{"Wrong LRC", "Got 0x", "Wrong value for frame size", "Timeout!"} {
		if strings.Contains(p.log.String(), complaint) {
			p.t.Errorf("libccid complains: %s", complaint)
		}
	}
}

// tool finds a program; that it is missing is a failure, since then nothing was checked.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		t.Fatalf("%s is missing; scripts/deps.sh installs it", name)
	}
	return path
}

// run lets a program speak with pcscd and returns all it says.
func (p *pcsc) run(name string, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool(p.t, name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, said)
	}
	return string(said)
}

// script sends command APDUs by scriptor, one a line, and returns what it says.
func (p *pcsc) script(reader string, apdus ...string) string {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "script")
	must(p.t, os.WriteFile(path, []byte("reset\n"+strings.Join(apdus, "\n")+"\n"), 0o644))
	return p.run("scriptor", "-r", reader, path)
}

func contains(t *testing.T, said string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		before, after, found := strings.Cut(said, want)
		if !found {
			t.Fatalf("not said, or not in this order: %q in\n%s", want, before)
		}
		said = after
	}
}

// transcript keeps what a program says and lets a test wait for it.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func newTranscript() *transcript { return &transcript{news: make(chan struct{}, 1)} }

func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.news <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *transcript) wait(t *testing.T, sign string, ended <-chan struct{}) {
	t.Helper()
	limit := time.After(patience)
	for !strings.Contains(l.String(), sign) {
		select {
		case <-l.news:
		case <-ended:
			t.Fatalf("it ended before it said %q:\n%s", sign, l)
		case <-limit:
			t.Fatalf("it does not say %q:\n%s", sign, l)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
