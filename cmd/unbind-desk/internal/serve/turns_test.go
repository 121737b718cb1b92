package serve

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// growing is a desk that keeps what it is given of one file.
type growing struct {
	file  []byte
	fails error
}

func (g *growing) Piece(_ desk.Caller, _ envelope.ID, _, offset int64, chunk []byte) (desk.Progress, error) {
	return g.SomeOf(desk.Caller{}, "", 0, offset, 0, chunk)
}

func (g *growing) SomeOf(_ desk.Caller, _ envelope.ID, _, offset, _ int64, chunk []byte) (desk.Progress, error) {
	if offset != int64(len(g.file)) {
		return desk.Progress{}, fmt.Errorf("a piece at %d of %d bytes", offset, len(g.file))
	}
	if g.fails != nil {
		return desk.Progress{Offset: int64(len(g.file)), Size: 1 << 20}, g.fails
	}
	g.file = append(g.file, chunk...)
	return desk.Progress{Offset: int64(len(g.file)), Size: 1 << 20}, nil
}

// line is a connection whose body is cut off by a deadline that has passed.
type line struct {
	*httptest.ResponseRecorder
	body *io.PipeReader
}

func (l line) SetReadDeadline(at time.Time) error {
	if at.Unix() == 1 {
		return l.body.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

func (line) SetWriteDeadline(time.Time) error { return nil }

// A line that brings a fifth of a piece in two minutes gives way each time that another
// waits, and has got further each time: after five turns the piece is there.
func TestASlowLineGetsFurtherInEachTurn(t *testing.T) {
	const whole, turn = 250 << 10, 50 << 10
	seats := newSeated()
	s := &Server{Log: zerolog.Nop(), Limits: DefaultLimits()}
	s.uploading.now = seats.now
	to := &growing{}
	file := bytes.Repeat([]byte("0123456789"), whole/10)
	for i := range uploads - 1 {
		if _, ok := s.uploading.take(envelope.ID(fmt.Sprint("T-", i)), s.Limits, func() {}); !ok {
			t.Fatal("there is no place")
		}
	}
	for len(to.file) < whole {
		had := len(to.file)
		got := s.slowTurn(t, seats, to, file[had:], turn)
		if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
			t.Fatalf("who gave way is answered %d", got.Code)
		}
		if len(to.file) != had+turn || got.Header().Get("Upload-Offset") != strconv.Itoa(had+turn) {
			t.Fatalf("a turn that brought %d bytes went from %d to %d, and said %s", turn, had, len(to.file), got.Header().Get("Upload-Offset"))
		}
	}
	if !bytes.Equal(to.file, file) {
		t.Error("other bytes are there than were sent")
	}
}

// slowTurn sends the first bytes of a piece, until another terminal gets its place.
func (s *Server) slowTurn(t *testing.T, seats *seated, to extending, piece []byte, bytes int) *httptest.ResponseRecorder {
	t.Helper()
	w, r, in := patch(len(to.(*growing).file))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.pieceTo(to, w, r, desk.Caller{Terminal: "T-slow"}); err != nil {
			s.tell(w, r, err)
		}
	}()
	if _, err := in.Write(piece[:bytes]); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.uploading.others("T-slow") {
		if err := p.brought(int(s.Limits.Yield), false); err != nil {
			t.Fatal(err)
		}
	}
	s.uploading.mu.Lock()
	seats.at = seats.at.Add(s.Limits.Stall)
	s.uploading.mu.Unlock()
	late, ok := s.uploading.take("T-late", s.Limits, func() {})
	if !ok {
		t.Fatal("a ninth is not let in")
	}
	late.release()
	<-ended
	return w.ResponseRecorder
}

func (s *slots) others(than envelope.ID) (list []*place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.held {
		if p.terminal != than {
			list = append(list, p)
		}
	}
	return list
}
