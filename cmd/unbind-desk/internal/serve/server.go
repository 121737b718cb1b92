package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/crew"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// drainTime is how long running requests may take when the desk ends.
const drainTime = 30 * time.Second

// lookAgain is how late a long poll hears of what another desk published.
const lookAgain = 10 * time.Second

// maxSocketPath is what fits into a Unix socket's address on Linux.
const maxSocketPath = 107

// Server is a desk behind its doors.
type Server struct {
	Desk      *desk.Desk
	Log       zerolog.Logger
	MaxBackup int64         // bytes of a sealed file
	Again     time.Duration // after which a long poll looks by itself
	Console   *Console      // nil where there is none
	Limits    Limits

	uploading slots
	crew      crew.Crew    // serves what is deep
	waiting   atomic.Int64 // long polls, for Vitals
	stopping  chan struct{}
	broken    chan error // why the desk cannot go on
}

// New makes a server; Run starts it.
func New(d *desk.Desk, log zerolog.Logger, maxBackup int64) *Server {
	return &Server{
		Desk: d, Log: log, MaxBackup: maxBackup, Again: lookAgain, Limits: DefaultLimits(),
		stopping: make(chan struct{}), broken: make(chan error, 1),
	}
}

// Doors are the listeners.
type Doors struct {
	Terminals net.Listener // plain TCP; TLS is added here
	Operators net.Listener // a Unix socket
	Console   net.Listener // plain TCP on the loopback address; nil where there is no console
}

// Run serves the doors until ctx ends, then lets running requests end. ready
// is called once they are open.
func (s *Server) Run(ctx context.Context, doors Doors, shown tls.Certificate, ready func()) error {
	terminals := s.harden(&http.Server{Handler: s.Terminals()})
	operators := s.harden(&http.Server{Handler: s.Operators()})
	live, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	pages := s.pages(live)
	failed := make(chan error, 3)
	go func() {
		failed <- terminals.Serve(tls.NewListener(newCrowd(doors.Terminals, s.Limits, s.Log), s.tls(shown)))
	}()
	go func() { failed <- operators.Serve(doors.Operators) }()
	if doors.Console != nil {
		go func() { failed <- pages.Serve(doors.Console) }()
	}
	ready()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	case err = <-s.broken:
		return fmt.Errorf("cannot go on: %w", errors.Join(err, terminals.Close(), operators.Close(), pages.Close()))
	}
	close(s.stopping) // wakes the long polls
	over()            // and the live pages
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err = errors.Join(err, terminals.Shutdown(end), operators.Shutdown(end), pages.Shutdown(end)); err != nil {
		return fmt.Errorf("cannot serve: %w", err)
	}
	return nil
}

// GiveUp ends the desk when nobody knows what the store has: it is opened anew,
// by whoever starts the desk again, and what is there then decides.
func (s *Server) GiveUp(err error) {
	if !errors.Is(err, store.ErrUnknown) {
		return
	}
	select {
	case s.broken <- err:
	default: // it is ending already
	}
}

// harden sets the bounds that hold for every request; bodies have their own.
func (s *Server) harden(h *http.Server) *http.Server {
	h.ReadHeaderTimeout = s.Limits.Head
	h.ReadTimeout = s.Limits.Body // a route that needs longer says so
	h.IdleTimeout = s.Limits.Idle
	h.MaxHeaderBytes = 16 << 10
	h.ErrorLog = stdlog.New(io.Discard, "", 0) // refused handshakes are the network's weather
	h.Protocols = new(http.Protocols)
	h.Protocols.SetHTTP1(true)
	return h
}

// tls asks for a client certificate and verifies it if one is shown; which
// route needs one is decided there.
func (s *Server) tls(shown tls.Certificate) *tls.Config {
	clients := x509.NewCertPool()
	clients.AddCert(s.Desk.CA.Certificate)
	config := &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{shown}, NextProtos: []string{"http/1.1"},
		ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients, Time: s.Desk.Now,
	}
	config.GetConfigForClient = s.greeted(config)
	return config
}

// ListenOperators opens the socket, for its owner only. Whoever calls it holds
// the store, so a socket that is there already belongs to a desk that is dead.
func ListenOperators(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("cannot listen on the desk's socket: its path is longer than %d bytes, choose a shorter --dir", maxSocketPath)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot listen on the desk's socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the desk's socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("cannot listen on the desk's socket: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

func refuseClient() error {
	return errors.Join(desk.ErrForeign, envelope.Refuse("E10", "certificate", "cannot serve the client: it shows no certificate that may ask this"))
}
