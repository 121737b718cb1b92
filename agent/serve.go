package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/trust"
)

// serve answers the local API on the Unix socket until the context ends.
func (a *Agent) serve(ctx context.Context) (stop func(), err error) {
	l, err := a.listen()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", answer(func(*http.Request) (any, error) { return a.status() }))
	mux.HandleFunc("GET /v1/plan", answer(func(r *http.Request) (any, error) { return a.dryRun(r.URL.Query().Get("profile")) }))
	mux.HandleFunc("GET /v1/explain", answer(func(r *http.Request) (any, error) { return a.dryRun(r.URL.Query().Get("profile")) }))
	mux.HandleFunc("GET /v1/reader", answer(a.readerReport))
	mux.HandleFunc("GET /v1/reader/slots", answer(a.readerSlots))
	mux.HandleFunc("POST /v1/reader/test", answer(a.readerTest))
	mux.HandleFunc("GET /v1/certificate", answer(func(*http.Request) (any, error) { return a.certificateNow() }))
	mux.HandleFunc("POST /v1/challenge", answer(func(*http.Request) (any, error) { return a.newChallenge() }))
	mux.HandleFunc("POST /v1/commands", answer(a.load))
	mux.HandleFunc("POST /v1/cancel", answer(a.loadCancel))
	mux.HandleFunc("GET /v1/events", a.events)
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withPeer,
	}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.Log.Error().Err(err).Msg("the local API has ended")
		}
	}()
	return func() {
		if err := s.Close(); err != nil {
			a.Log.Warn().Err(err).Msg("the local API cannot be closed")
		}
	}, nil
}

// listen makes the socket. A socket that is left over is removed only when
// nobody answers on it.
func (a *Agent) listen() (net.Listener, error) {
	path := a.Config.Socket
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot serve the local API: %w", err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("cannot serve the local API: another daemon answers on %s", path), c.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("cannot serve the local API: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the local API: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot serve the local API: %w", err), l.Close())
	}
	return l, a.giveToGroup(path)
}

func (a *Agent) giveToGroup(path string) error {
	if a.Config.SocketGroup == "" {
		return nil
	}
	g, err := user.LookupGroup(a.Config.SocketGroup)
	if err != nil {
		return fmt.Errorf("cannot serve the local API: %w", err)
	}
	gid, err := strconv.Atoi(g.Gid)
	if err != nil {
		return fmt.Errorf("cannot serve the local API: group %s has no number", a.Config.SocketGroup)
	}
	return os.Chown(path, -1, gid)
}

type peerKey struct{}

// withPeer notes who is at the other end, as the kernel says.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	sc, err := u.SyscallConn()
	if err != nil {
		return ctx
	}
	uid := -1
	err = sc.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			uid = int(cred.Uid)
		}
	})
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey{}, uid)
}

// answer turns a function into a route: JSON, or the error in the words of the
// local API.
func answer(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		status := http.StatusOK
		if err != nil {
			v, status = told(err), http.StatusConflict
		}
		b, err := json.Marshal(v)
		if err != nil {
			http.Error(w, "cannot encode the answer", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if _, err := w.Write(append(b, '\n')); err != nil {
			return // the asker is gone
		}
	}
}

func (a *Agent) body(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r.Body, trust.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the file: %w", err)
	}
	a.Log.Info().Any("uid", r.Context().Value(peerKey{})).Int("bytes", len(text)).Msg("a file was handed in")
	return text, nil
}

func (a *Agent) load(r *http.Request) (any, error) {
	text, err := a.body(r)
	if err != nil {
		return nil, err
	}
	return local.Loaded{Schema: local.Schema, Items: a.take(text)}, nil
}

// loadCancel takes a cancel and nothing else.
func (a *Agent) loadCancel(r *http.Request) (any, error) {
	text, err := a.body(r)
	if err != nil {
		return nil, err
	}
	e, err := envelope.Parse(text, envelope.MaxCommand)
	if err != nil {
		return nil, err
	}
	if e.PayloadType != envelope.Type("cancel") {
		return nil, envelope.Refuse("E03", "", "cannot cancel: the file is no cancel")
	}
	return local.Loaded{Schema: local.Schema, Items: a.take(text)}, nil
}

func (a *Agent) certificateNow() (any, error) {
	if a.mode() == local.Unbound || a.mode() == local.Unenrolled {
		return nil, envelope.Refuse("E28", "certificate", "cannot show the certificate: it is at the desk; here only its digest is left")
	}
	e, ok, err := a.signed()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, envelope.Refuse("E28", "certificate", "cannot show the certificate: none is signed yet")
	}
	return json.RawMessage(e.Encode()), nil
}

// events follows the hub as server-sent events with ids; whoever comes back
// with the last id misses nothing that is still remembered.
func (a *Agent) events(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		after = 0
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for {
		events, more := a.hub.after(after)
		for _, e := range events {
			b, err := json.Marshal(e)
			if err != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.ID, b); err != nil {
				return
			}
			after = e.ID
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-more:
		}
	}
}
