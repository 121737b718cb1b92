package console

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// events is an open stream of one case.
type events struct {
	t     *testing.T
	lines chan string
	end   context.CancelFunc
}

func (r *room) listen(path string, last string) (*events, int) {
	r.t.Helper()
	ctx, end := context.WithCancel(r.t.Context())
	r.t.Cleanup(end)
	req := r.request(http.MethodGet, path, nil).WithContext(ctx)
	req.AddCookie(&http.Cookie{Name: cookieName, Value: r.cookie})
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	r.check(err)
	r.t.Cleanup(func() { resp.Body.Close() })
	e := &events{r.t, make(chan string, 64), end}
	go func() {
		defer close(e.lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			select {
			case e.lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return e, resp.StatusCode
}

// await waits for a line that has this in it; no test passes by the time.
func (e *events) await(part string) {
	e.t.Helper()
	for over := time.After(time.Minute); ; {
		select {
		case line, ok := <-e.lines:
			if !ok {
				e.t.Fatalf("the stream ended before it said %q", part)
			}
			if strings.Contains(line, part) {
				return
			}
		case <-over:
			e.t.Fatalf("the stream never said %q", part)
		}
	}
}

// move is what another desk on the same store does.
func (r *room) move(id, state, what string) {
	r.t.Helper()
	r.change(func(tx *store.Tx) error {
		c, err := tx.Case("C-1")
		if err != nil {
			return err
		}
		c.State, c.Version = state, c.Version+1
		if err := tx.PutCase(c); err != nil {
			return err
		}
		return tx.Note(c.ID, store.Entry{At: start, State: state, What: what})
	})
}

func TestALivePageShowsWhatAnyDeskChanges(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	e, status := r.listen("/cases/C-1/live?seen=1", "")
	if status != http.StatusOK {
		t.Fatalf("the stream was answered with %d", status)
	}
	e.await(": live")
	r.move("C-1", desk.Accepted, "answer accepted none")
	e.await("id: 2")
	e.await("event: case")
	e.await("The case is now: Accepted.")
	e.await("answer accepted none")
	r.move("C-1", desk.BackedUp, "backup restored and receipted")
	e.await("id: 3")
	e.await("The case is now: Backed up.")
	// A page that is behind is told at once, and one that reconnects what it missed.
	late, _ := r.listen("/cases/C-1/live?seen=1", "2")
	late.await("id: 3")
	if _, status := r.listen("/cases/C-9/live", ""); status != http.StatusNotFound {
		t.Errorf("a stream of no case was answered with %d", status)
	}
}

func TestALivePageEndsWithItsSession(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	e, _ := r.listen("/cases/C-1/live?seen=1", "")
	e.await(": live")
	r.check(r.another().Leave(r.cookie))
	e.await("event: end")
	r.move("C-1", desk.Accepted, "answer accepted none")
	for line := range e.lines {
		if strings.Contains(line, "accepted") {
			t.Errorf("a session that was left hears %q", line)
		}
	}
}

func TestLivePagesAreBounded(t *testing.T) {
	r := newRoom(t)
	r.put("C-1", "T-1", desk.Issued, 1)
	var open []*events
	for range streamsOne {
		e, status := r.listen("/cases/C-1/live?seen=1", "")
		if status != http.StatusOK {
			t.Fatalf("a stream was answered with %d", status)
		}
		e.await(": live")
		open = append(open, e)
	}
	if _, status := r.listen("/cases/C-1/live?seen=1", ""); status != http.StatusTooManyRequests {
		t.Errorf("one stream too many was answered with %d", status)
	}
	mine := r.cookie
	r.enter()
	if _, status := r.listen("/cases/C-1/live?seen=1", ""); status != http.StatusOK {
		t.Errorf("another session's stream was answered with %d", status)
	}
	// A stream that ended gives its place back.
	r.cookie = mine
	open[0].end()
	for over := time.Now().Add(time.Minute); ; {
		e, status := r.listen("/cases/C-1/live?seen=1", "")
		if status == http.StatusOK {
			e.end()
			break
		}
		if time.Now().After(over) {
			t.Fatal("the place of a stream that ended never came back")
		}
	}
	var s streams
	for range streamsAll {
		if _, ok := s.take(strings.Repeat("x", s.all)); !ok {
			t.Fatal("there is no place")
		}
	}
	if _, ok := s.take("another"); ok {
		t.Error("there are more streams than there may be in all")
	}
}
