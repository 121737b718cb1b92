package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"unbindd/agent/local"
)

// daemon stands in for unbindd on a Unix socket. Every question for the status
// is answered with the next of the list, the last one for ever; each answer
// rings the bell once, so that a watch goes through the list without waiting.
type daemon struct {
	statuses  []local.Status
	plan      local.Plan
	challenge local.Challenge
	loaded    local.Loaded
	reader    local.ReaderReport
	slots     local.KeySlots
	tested    local.ReaderTest
	refuse    *local.Error // what every question but status is answered with
	forbid    *local.Error // what status is answered with
	events    []local.Event

	mu     sync.Mutex
	asked  int
	bells  chan struct{} // closed and made anew at every answer
	given  []byte        // the file that was handed in
	server *httptest.Server
}

// serve begins to answer on the socket.
func (d *daemon) serve(socket string) error {
	d.bells = make(chan struct{})
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", d.status)
	mux.HandleFunc("GET /v1/plan", d.answer(func(*http.Request) any { return d.plan }))
	mux.HandleFunc("GET /v1/reader", d.answer(func(*http.Request) any { return d.reader }))
	mux.HandleFunc("GET /v1/reader/slots", d.answer(func(*http.Request) any { return d.slots }))
	mux.HandleFunc("POST /v1/reader/test", d.answer(func(*http.Request) any { return d.tested }))
	mux.HandleFunc("POST /v1/challenge", d.answer(func(*http.Request) any { return d.challenge }))
	mux.HandleFunc("POST /v1/commands", d.answer(d.take))
	mux.HandleFunc("POST /v1/cancel", d.answer(d.take))
	mux.HandleFunc("GET /v1/events", d.stream)
	d.server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: mux}}
	d.server.Start()
	return nil
}

func (d *daemon) stop() {
	d.server.CloseClientConnections()
	d.server.Close()
}

func (d *daemon) status(w http.ResponseWriter, _ *http.Request) {
	if d.forbid != nil {
		write(w, http.StatusForbidden, d.forbid)
		return
	}
	d.mu.Lock()
	s := d.statuses[min(d.asked, len(d.statuses)-1)]
	d.asked++
	close(d.bells)
	d.bells = make(chan struct{})
	d.mu.Unlock()
	write(w, http.StatusOK, s)
}

func (d *daemon) answer(with func(*http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if d.refuse != nil {
			write(w, http.StatusConflict, d.refuse)
			return
		}
		write(w, http.StatusOK, with(r))
	}
}

func (d *daemon) take(r *http.Request) any {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return local.Error{Message: err.Error()}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.given = text
	return d.loaded
}

// stream sends the events after the given id, then a bell without meaning for
// every status that was asked.
func (d *daemon) stream(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		write(w, http.StatusBadRequest, local.Error{Message: err.Error()})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range d.events {
		if e.ID > after {
			send1(w, e)
			after = e.ID
		}
	}
	for id := max(after, 1000) + 1; ; id++ {
		d.mu.Lock()
		bell := d.bells
		d.mu.Unlock()
		send1(w, local.Event{ID: id, Time: id, Kind: "link", State: "up"})
		select {
		case <-bell:
		case <-r.Context().Done():
			return
		}
	}
}

func send1(w http.ResponseWriter, e local.Event) {
	text, _ := json.Marshal(e) // an event always encodes
	fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.ID, text)
	w.(http.Flusher).Flush()
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the other side sees a broken answer
}

// start serves a scenario on a socket of its own until the test ends.
func start(t *testing.T, d *daemon) (socket string) {
	t.Helper()
	socket = t.TempDir() + "/s"
	if err := d.serve(socket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop() })
	return socket
}
