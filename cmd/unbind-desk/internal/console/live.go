package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// The most live pages at once: of one session, and in all. They bound this
// process's memory, so a second desk has its own.
const (
	streamsOne = 4
	streamsAll = 64
)

// Times of a live page.
const (
	beat     = 15 * time.Second // after which a silent stream shows that it is there
	sendTime = 10 * time.Second // for a piece to go out
)

// live streams a case: the part of its page that changes, whenever its version is
// another than the one last sent. The version is read from the store, where every
// desk that shares it writes, and not taken from a bell of this process. The
// session is asked for each time, so that one that has ended hears no more.
func (c *Console) live(w http.ResponseWriter, r *http.Request, v *visit) error {
	release, ok := c.streams.take(v.token)
	if !ok {
		http.Error(w, "There are too many live pages of this session.", http.StatusTooManyRequests)
		return nil
	}
	defer release()
	shown := lastShown(r)
	if _, err := c.Desk.VersionOf(r.PathValue("case")); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := stream{w, http.NewResponseController(w)}
	if err := out.to.SetReadDeadline(time.Time{}); err != nil { // the time for a request's body would end the page
		return err
	}
	if err := out.send(": live\n\n"); err != nil {
		return nil // the browser is gone
	}
	again, alive := time.NewTicker(c.Again), time.NewTicker(beat)
	defer again.Stop()
	defer alive.Stop()
	for {
		n, err := c.step(out, r, v, shown)
		if err != nil {
			c.broke(err)
			return nil
		}
		shown = n
		select {
		case <-again.C:
		case <-alive.C:
			if out.send(": live\n\n") != nil {
				return nil
			}
		case <-r.Context().Done():
			_ = out.send("event: end\ndata:\n\n") // the desk ends, or the browser is gone
			return nil
		}
	}
}

// step sends the case if it is another than the one shown.
func (c *Console) step(out stream, r *http.Request, v *visit, shown int64) (int64, error) {
	err := c.Desk.Admits(v.token)
	if errors.Is(err, desk.ErrForeign) {
		_ = out.send("event: end\ndata:\n\n")
	}
	if err != nil {
		return shown, err
	}
	n, err := c.Desk.VersionOf(r.PathValue("case"))
	if err != nil || n == shown {
		return n, err
	}
	p, n, err := c.casePage(r, v)
	if err != nil {
		return shown, err
	}
	part, err := c.render("live", p)
	if err != nil {
		return shown, err
	}
	return n, out.send(event("case", n, part))
}

// broke logs what ended a stream, if it was the desk.
func (c *Console) broke(err error) {
	if errors.Is(err, errGone) || errors.Is(err, desk.ErrForeign) {
		return
	}
	c.Log.Error().Err(err).Msg("a live page broke off")
	c.failed(err)
}

// event writes one event of the stream; every line of its data begins anew.
func event(name string, id int64, data []byte) string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "id: %d\nevent: %s\n", id, name)
	for row := range bytes.Lines(bytes.ReplaceAll(data, []byte("\r"), nil)) {
		fmt.Fprintf(&out, "data: %s\n", bytes.TrimSuffix(row, []byte("\n")))
	}
	out.WriteString("\n")
	return out.String()
}

// lastShown is the version that the page has: of its last event, else as it was made.
func lastShown(r *http.Request) int64 {
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("seen")} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	return -1
}

var errGone = errors.New("the browser is gone")

type stream struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

func (s stream) send(text string) error {
	if err := s.to.SetWriteDeadline(time.Now().Add(sendTime)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return errGone
	}
	if s.to.Flush() != nil {
		return errGone
	}
	return nil
}

// streams counts live pages. No session takes the places of all.
type streams struct {
	mu    sync.Mutex
	taken map[string]int
	all   int
}

func (s *streams) take(session string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= streamsAll || s.taken[session] >= streamsOne {
		return nil, false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.all++
	s.taken[session]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.taken[session]--; s.taken[session] == 0 {
			delete(s.taken, session)
		}
	}, true
}
