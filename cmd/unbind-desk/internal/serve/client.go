package serve

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// ErrUnreachable says that no desk listens on the socket.
var ErrUnreachable = errors.New("the desk is not running")

// Operator speaks to a running desk over its socket.
type Operator struct{ client *http.Client }

// NewOperator makes an operator for the socket at path.
func NewOperator(path string) *Operator {
	return &Operator{client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
			if err != nil {
				return nil, fmt.Errorf("%w: nobody listens on %s", ErrUnreachable, path)
			}
			return conn, nil
		},
		ExpectContinueTimeout: time.Minute, // a file that the desk has is not sent to it again
	}}}
}

// Address is how terminals reach the desk.
func (o *Operator) Address(ctx context.Context) (string, error) {
	var a Address
	err := o.ask(ctx, http.MethodGet, "/desk/address", nil, &a)
	return a.URL, err
}

// Admit asks for an enrolment ticket. The request is given as it stands, for it
// holds the pairing key, which no type of ours writes out.
func (o *Operator) Admit(ctx context.Context, request map[string]any) (json.RawMessage, error) {
	var ticket json.RawMessage
	return ticket, o.ask(ctx, http.MethodPost, "/desk/admit", request, &ticket)
}

// Issue asks for a command.
func (o *Operator) Issue(ctx context.Context, w desk.Wish) (desk.Draft, error) {
	var d desk.Draft
	return d, o.ask(ctx, http.MethodPost, "/desk/issue", w, &d)
}

// Follow asks for a cancel, an amendment or a close.
func (o *Operator) Follow(ctx context.Context, f desk.Follow) (desk.Draft, error) {
	var d desk.Draft
	return d, o.ask(ctx, http.MethodPost, "/desk/follow", f, &d)
}

// Publish hands a signed envelope in; seen is the version of its case, or
// desk.Unseen where it belongs to none.
func (o *Operator) Publish(ctx context.Context, body []byte, seen int64) (desk.Published, error) {
	var p desk.Published
	return p, o.ask(ctx, http.MethodPost, "/desk/publish", seenBody{seen, body}, &p)
}

// PublishCampaign hands a signed campaign in with every command it lists.
func (o *Operator) PublishCampaign(ctx context.Context, w desk.Wave) ([]desk.Published, error) {
	var done []desk.Published
	return done, o.ask(ctx, http.MethodPost, "/desk/campaign", w, &done)
}

// Collect hands the signatures on a drafted command in.
func (o *Operator) Collect(ctx context.Context, body []byte, seen int64) (desk.Collected, error) {
	var c desk.Collected
	return c, o.ask(ctx, http.MethodPost, "/desk/collect", seenBody{seen, body}, &c)
}

// Draft reads a drafted command with its signatures so far.
func (o *Operator) Draft(ctx context.Context, id string) (desk.Collected, error) {
	var c desk.Collected
	return c, o.ask(ctx, http.MethodGet, "/desk/cases/"+id+"/draft", nil, &c)
}

// Withdraw ends a case that was never published.
func (o *Operator) Withdraw(ctx context.Context, id string, seen int64) (desk.Brief, error) {
	var b desk.Brief
	return b, o.ask(ctx, http.MethodPost, "/desk/cases/"+id+"/withdraw", seenBody{seen, nil}, &b)
}

// seenBody is a body with the version of the case that was seen.
type seenBody struct {
	seen int64
	body []byte
}

// Inspect shows one case.
func (o *Operator) Inspect(ctx context.Context, id string) (desk.Whole, error) {
	var w desk.Whole
	return w, o.ask(ctx, http.MethodGet, "/desk/cases/"+id, nil, &w)
}

// Export hands every file of a case to each. A stream that breaks off is an
// error, after which nothing of it may be used.
func (o *Operator) Export(ctx context.Context, id string, each func(name string, body io.Reader) error) (err error) {
	resp, err := o.send(ctx, http.MethodGet, "/desk/cases/"+id+"/export", nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	in := tar.NewReader(resp.Body)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot read the export: %w", err)
		}
		if err := each(h.Name, in); err != nil {
			return err
		}
	}
}

func (o *Operator) ask(ctx context.Context, method, path string, body, answer any) (err error) {
	resp, err := o.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("cannot read the desk's answer: %w", err)
	}
	return nil
}

func (o *Operator) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var sent io.Reader
	header := http.Header{}
	if told, ok := body.(seenBody); ok {
		sent = bytes.NewReader(told.body)
		if told.seen != desk.Unseen {
			header.Set("If-Match", strconv.Quote(strconv.FormatInt(told.seen, 10)))
		}
	} else if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("cannot ask the desk: %w", err)
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://desk"+path, sent)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	req.Header = header
	resp, err := o.client.Do(req)
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err // the made-up URL of a socket helps nobody
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp)
	}
	return resp, nil
}

// refused turns an answer back into the refusal it was.
func refused(resp *http.Response) error {
	var r Refusal
	err := json.NewDecoder(io.LimitReader(resp.Body, maxObject)).Decode(&r)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("cannot read the desk's answer %d: %w", resp.StatusCode, err)
	}
	if r.Code == internalCode {
		return fmt.Errorf("cannot have it done: %s", r.Message)
	}
	code, detail, _ := strings.Cut(r.Code, ":")
	return envelope.Refuse(code, detail, "%s", r.Message)
}
