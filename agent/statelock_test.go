package agent

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
	"unbindd/agent/journal"
	"unbindd/agent/local"
	"unbindd/wipe"
)

// lives runs a daemon on a state directory until the returned function ends it.
func lives(t *testing.T, root string) (mode string, stop func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	a := New(Parts{
		Config: Config{StateDir: root, Socket: filepath.Join(filepath.Dir(root), "s")},
		Log:    zerolog.Nop(), Sys: wipe.Kernel{}, Ready: func(mode string) { ready <- mode },
	})
	go func() { done <- a.Run(ctx) }()
	select {
	case mode = <-ready:
	case err := <-done:
		t.Fatalf("the daemon ends with %v", err)
	}
	return mode, func() {
		end()
		if err := <-done; err != nil {
			t.Errorf("the daemon ends with %v", err)
		}
	}
}

// ticketFor is a ticket of a desk that nobody reaches.
func ticketFor(t *testing.T) []byte {
	t.Helper()
	digest := envelope.DigestOf([]byte("x"))
	e, err := envelope.Seal(envelope.Type("enrol-ticket"), enrol.Ticket{
		Nonce: "n-1", Serial: "SN-1", SPKI: digest, Terminal: "T-1", Trust: digest, URL: "https://127.0.0.1:1", V: 1,
	}, wireKey("enrol-1"))
	if err != nil {
		t.Fatal(err)
	}
	return e.Encode()
}

// A daemon that runs unbound would not notice that the disk has been bound: beside
// it nobody enrols, and nothing of it is begun. Nor does a second daemon run.
func TestNobodyEnrolsBesideADaemon(t *testing.T) {
	root := filepath.Join(t.TempDir(), "state")
	mode, stop := lives(t, root)
	if mode != local.Unenrolled {
		t.Fatalf("the daemon begins %s", mode)
	}
	parts := Parts{Config: Config{StateDir: root}, Sys: wipe.Kernel{}}
	if _, err := Enrol(t.Context(), parts, ticketFor(t)); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("the enrolment ends with %v", err)
	}
	at := places{root}
	if exists(at.trust()) || exists(at.keys()) {
		t.Error("the enrolment has begun all the same")
	}
	parts.Config.Socket = filepath.Join(t.TempDir(), "s")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	parts.Ready = func(string) { end() } // it would run on
	if err := New(parts).Run(ctx); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("a second daemon ends with %v", err)
	}
	if err := makeDirs(at.trust()); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(at.binding(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if _, err := Enrol(t.Context(), parts, ticketFor(t)); envelope.CodeOf(err) != "E19:bound" {
		t.Errorf("the enrolment of a bound terminal ends with %v", err)
	}
	stop()
	release, err := holdState(root)
	if err != nil {
		t.Fatalf("after the daemon: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
