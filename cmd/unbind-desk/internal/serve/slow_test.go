package serve

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// Eight bodies that trickle and never end hold every place; a ninth terminal is served
// all the same, and the one that gave way is told to come again.
func TestSlowBodiesDoNotKeepOthersOut(t *testing.T) {
	s := &Server{Log: zerolog.Nop(), Limits: DefaultLimits()}
	s.Limits.Turn = 0 // nobody waits for this clock
	var clock sync.Mutex
	at := time.Unix(1_800_000_000, 0)
	s.uploading.now = func() time.Time { clock.Lock(); defer clock.Unlock(); return at }
	seated := make(chan struct{}, uploads+1)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		in, ok := s.seat(r, control, desk.Caller{Terminal: envelope.ID(r.URL.Path[1:])})
		if !ok {
			s.tell(w, r, crowded(w))
			return
		}
		defer in.place.release()
		seated <- struct{}{}
		if _, err := io.Copy(io.Discard, in); err != nil {
			s.tell(w, r, s.gaveWay(w, control, err))
		}
	}))
	defer h.Close()
	send := func(terminal string, body io.Reader) *http.Response {
		resp, err := http.Post(h.URL+"/"+terminal, "application/octet-stream", body)
		if err != nil {
			t.Error(err)
			return &http.Response{}
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		return resp
	}
	ended := make(chan *http.Response, uploads)
	var ends []*io.PipeWriter
	for i := range uploads {
		body, in := io.Pipe()
		ends = append(ends, in)
		go func() { ended <- send(fmt.Sprint("T-", i), body) }()
		if _, err := in.Write([]byte("drip")); err != nil {
			t.Fatal(err)
		}
		<-seated
	}
	if resp := send("T-late", http.NoBody); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("a ninth is answered %d before the eight have had their time", resp.StatusCode)
	}
	clock.Lock()
	at = at.Add(s.Limits.Stall)
	clock.Unlock()
	if resp := send("T-late", http.NoBody); resp.StatusCode != http.StatusOK {
		t.Fatalf("a ninth is answered %d", resp.StatusCode)
	}
	if resp := <-ended; resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("who gave way is answered %d", resp.StatusCode)
	}
	for _, in := range ends {
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range uploads - 1 {
		if resp := <-ended; resp.StatusCode != http.StatusOK {
			t.Fatalf("who kept a place is answered %d", resp.StatusCode)
		}
	}
}
