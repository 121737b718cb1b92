package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"unbindd/device"
	"unbindd/device/devicesim"
)

const asProgram = "READERSIM_TEST_PROGRAM"

// TestMain lets this test binary be the program itself, so that a power cut kills a real process.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// shop is a folder with a reader's files.
type shop struct {
	t         *testing.T
	dir       string
	key       ed25519.PrivateKey
	injection devicesim.Injection
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, dir: t.TempDir(), key: ed25519.NewKeyFromSeed(make([]byte, 32))}
	must(t, os.WriteFile(s.path("ticket.pub"), []byte(base64.StdEncoding.EncodeToString(s.key.Public().(ed25519.PublicKey))+"\n"), 0o600))
	must(t, s.run("init", "--nvm", s.path("nvm"), "--serial", "PED-0001", "--ticket-key", s.path("ticket.pub"), "--out", s.path("reader.json"), "--seed", "shop"))
	text, err := os.ReadFile(s.path("reader.json"))
	must(t, err)
	must(t, json.Unmarshal(text, &s.injection))
	return s
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, name) }

func (s *shop) run(args ...string) error {
	p := program()
	p.SetArgs(args)
	return p.ExecuteContext(limit(s.t))
}

// start runs the program as a process of its own and waits for its ready line.
func (s *shop) start(args ...string) *exec.Cmd {
	s.t.Helper()
	all := append([]string{"run", "--nvm", s.path("nvm"), "--link", s.path("tty"), "--control", s.path("control")}, args...)
	c := exec.CommandContext(limit(s.t), os.Args[0], all...)
	c.Env = append(os.Environ(), asProgram+"=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	must(s.t, err)
	must(s.t, c.Start())
	s.t.Cleanup(func() {
		_ = c.Process.Kill() // most tests have ended it already
		_ = c.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready "+s.path("tty") {
		s.t.Fatalf("first line %q", lines.Text())
	}
	return c
}

func (s *shop) reader() *device.Reader {
	s.t.Helper()
	pairing, err := device.NewSecret(s.injection.Pairing)
	must(s.t, err)
	r := device.New(device.Config{Driver: "pedlink", Path: s.path("tty"), Baud: 115200}, device.Options{
		Pairing: pairing, Serial: s.injection.Serial,
		Retry: device.RetryConfig{BackoffFirst: 10 * time.Millisecond, BackoffMax: 50 * time.Millisecond},
	})
	s.t.Cleanup(func() { must(s.t, r.Close()) })
	return r
}

// ticket signs the answer to a challenge for two slots.
func (s *shop) ticket(c device.EraseChallenge, order [32]byte) []byte {
	var m []byte
	for _, f := range [][]byte{
		[]byte("pedlink-ticket/1"), []byte(s.injection.Serial), c.RC[:], binary.BigEndian.AppendUint32(nil, c.EraseCounter),
		{0, 0x10, 0, 0x11}, order[:], make([]byte, 32),
	} {
		m = append(binary.BigEndian.AppendUint16(m, uint16(len(f))), f...)
	}
	return append(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...), ed25519.Sign(s.key, m)...)
}

func TestKilledInTheEraseAndStartedAgain(t *testing.T) {
	s := newShop(t)
	killed := s.start("--fault", "cut-after=1")
	r := s.reader()
	order := sha256.Sum256([]byte("command"))
	c, err := r.BeginErase(limit(t), order, []uint16{0x10, 0x11})
	must(t, err)
	if _, err := r.CommitErase(limit(t), s.ticket(c, order), [16]byte{1}); !errors.Is(err, device.ErrHangup) {
		t.Fatalf("error %v", err)
	}
	var ended *exec.ExitError
	if err := killed.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended with %v", err)
	}
	s.start()
	var record device.EraseRecord
	known := false
	for ctx := limit(t); !known && ctx.Err() == nil; { // the reconnection paces it
		record, known, _ = r.EraseStatus(ctx, order)
	}
	must(t, record.Verify(s.injection.Pub))
	if record.EraseCounter != 1 || len(record.Results) != 2 || record.Results[1].Result != device.ResultErased {
		t.Errorf("record %+v", record)
	}
	var state devicesim.State
	must(t, json.Unmarshal([]byte(s.control("state")), &state))
	if state.ErasesStarted != 1 || state.ErasesFinished != 1 || state.Slots[1].Zeroised != 1 || state.Slots[2].Zeroised != 1 {
		t.Errorf("state %+v", state)
	}
}

func (s *shop) control(words ...string) string {
	s.t.Helper()
	var out strings.Builder
	p := program()
	p.SetOut(&out)
	p.SetArgs(append([]string{"control", "--socket", s.path("control")}, words...))
	must(s.t, p.ExecuteContext(limit(s.t)))
	return strings.TrimSpace(out.String())
}

func TestGenerateAndEnd(t *testing.T) {
	s := newShop(t)
	c := s.start("--generate", "20", "--close-batch", "--canary", "CANARY-7", "--tid", "T7")
	r := s.reader()
	_, err := r.Follow(limit(t), 0)
	for tries := 0; errors.Is(err, device.ErrHangup) && tries < 5; tries++ { // its events gave up on a host that was not there yet
		_, err = r.Follow(limit(t), 0)
	}
	must(t, err)
	var last device.Event
	canary := false
	for last.Seq < 21 {
		events, err := r.Next(limit(t), 64)
		must(t, err)
		for _, last = range events {
			canary = canary || strings.Contains(string(last.Body), `"rrn":"CANARY-7"`)
		}
		must(t, r.Acknowledge(limit(t), last.Seq))
	}
	if last.Code != device.EventBatchClose || !canary || !strings.Contains(string(last.Body), `"tid":"T7"`) {
		t.Errorf("last event %04X %s, canary %v", last.Code, last.Body, canary)
	}
	if got := s.control("sale", "100", "CNY"); got != "22" {
		t.Errorf("sale %q", got)
	}
	if err := s.run("control", "--socket", s.path("control"), "fault", "nonsense"); err == nil {
		t.Error("an unknown fault was taken")
	}
	must(t, c.Process.Signal(syscall.SIGTERM))
	must(t, c.Wait())
	if _, err := os.Lstat(s.path("tty")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link is left behind: %v", err)
	}
}

func TestIdleReaderEnds(t *testing.T) {
	s := newShop(t)
	must(t, s.start("--idle-exit", "50ms").Wait())
}

func TestInitRefusesToOverwrite(t *testing.T) {
	s := newShop(t)
	before, err := os.ReadFile(s.path("reader.json"))
	must(t, err)
	args := []string{"init", "--serial", "PED-0001", "--ticket-key", s.path("ticket.pub"), "--nvm", s.path("nvm"), "--out"}
	if s.run(append(args, s.path("reader.json"))...) == nil {
		t.Error("the list was overwritten")
	}
	if s.run(append(args, s.path("other.json"))...) == nil {
		t.Error("the memory was overwritten")
	}
	if _, err := os.Stat(s.path("other.json")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a list without a reader is left behind")
	}
	after, err := os.ReadFile(s.path("reader.json"))
	must(t, err)
	if string(before) != string(after) {
		t.Error("the list changed")
	}
	info, err := os.Stat(s.path("reader.json"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the list has mode %v", info.Mode())
	}
}

func TestTicketKeyForms(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(key)
	must(t, err)
	path := filepath.Join(t.TempDir(), "key")
	for name, text := range map[string]string{
		"PEM":        string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		"base64":     base64.StdEncoding.EncodeToString(key) + "\n",
		"base64 DER": base64.StdEncoding.EncodeToString(der),
	} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if got, err := readTicketKey(path); err != nil || !key.Equal(got) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "nonsense!", base64.StdEncoding.EncodeToString(key[:31])} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := readTicketKey(path); err == nil {
			t.Errorf("%q was taken for a key", text)
		}
	}
}
