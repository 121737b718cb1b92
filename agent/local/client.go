package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// DefaultSocket is where the daemon listens unless it is told otherwise.
const DefaultSocket = "/run/unbindd/unbindd.sock"

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 4 << 20

// ErrNotReachable means that no daemon answers on the socket.
var ErrNotReachable = errors.New("the daemon does not answer")

// Client asks the daemon on one socket.
type Client struct {
	socket string
	http   http.Client
}

// NewClient makes a client; it connects with the first question.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Status asks how the terminal is.
func (c *Client) Status(ctx context.Context) (s Status, err error) {
	return s, c.do(ctx, http.MethodGet, "/v1/status", nil, &s)
}

// Plan asks for a dry run; profile "" means the only one, or the running case's.
func (c *Client) Plan(ctx context.Context, profile string) (p Plan, err error) {
	return p, c.do(ctx, http.MethodGet, "/v1/plan?profile="+profile, nil, &p)
}

// Challenge asks for a new challenge; an older one dies by it.
func (c *Client) Challenge(ctx context.Context) (ch Challenge, err error) {
	return ch, c.do(ctx, http.MethodPost, "/v1/challenge", []byte("{}"), &ch)
}

// Load hands in a file: a bundle, an envelope, a receipt or a ticket.
func (c *Client) Load(ctx context.Context, file []byte) (l Loaded, err error) {
	return l, c.do(ctx, http.MethodPost, "/v1/commands", file, &l)
}

// Cancel hands in a signed cancel.
func (c *Client) Cancel(ctx context.Context, file []byte) (l Loaded, err error) {
	return l, c.do(ctx, http.MethodPost, "/v1/cancel", file, &l)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, to any) error {
	resp, err := c.send(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(resp.StatusCode, text)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, body []byte, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://unbindd"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot ask the daemon: %w", err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("cannot ask the daemon on %s: %w", c.socket, errors.Join(ErrNotReachable, err))
	}
	return resp, nil
}

func refusal(status int, text []byte) error {
	var e Error
	if json.Unmarshal(text, &e) != nil || e.Message == "" {
		return fmt.Errorf("cannot ask the daemon: it answers with status %d", status)
	}
	return &e
}

// Events follows the daemon's events after the given id and calls each for
// every one, until it returns false, the context ends or the daemon goes away.
func (c *Client) Events(ctx context.Context, after int64, each func(Event) bool) error {
	resp, err := c.send(ctx, http.MethodGet, "/v1/events", nil, map[string]string{
		"Accept": "text/event-stream", "Last-Event-ID": strconv.FormatInt(after, 10),
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4096), 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("cannot read an event: %w", err)
		}
		if !each(e) {
			return nil
		}
	}
	if err := lines.Err(); err != nil && ctx.Err() == nil {
		return errors.Join(ErrNotReachable, err)
	}
	return ctx.Err()
}
