package signer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// maxAnswer is the most that is read of one answer of the desk.
const maxAnswer = 1 << 20

// errNotThere says that the desk has no such object.
var errNotThere = errors.New("the desk has none")

// Process asks a desk for what waits for a ticket, verifies it as if a stranger
// had sent it, signs, and hands the ticket back.
type Process struct {
	Base   string       // https://host:port
	Client *http.Client // shows the signer's certificate
	Anchor envelope.Digest
	Key    envelope.Signer
	Log    zerolog.Logger
	Floor  string // file with the newest trust version ever seen; "" keeps it for this run

	newest int64
	told   map[string]bool // refusals that were logged, so that each is said once
}

// Run goes on until ctx ends, one round every so often.
func (p *Process) Run(ctx context.Context, every time.Duration) {
	p.told = map[string]bool{}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := p.Round(ctx); err != nil && ctx.Err() == nil {
			p.say("", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round signs everything that waits now. What cannot be signed is logged once
// and does not keep the rest from being signed.
func (p *Process) Round(ctx context.Context) error {
	var wanted []struct {
		Case envelope.ID `json:"case"`
		N    int64       `json:"n"`
	}
	body, err := p.get(ctx, "/v1/tickets")
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, &wanted); err != nil {
		return fmt.Errorf("cannot read what waits for a ticket: %w", err)
	}
	for _, w := range wanted {
		at := "/v1/cases/" + string(w.Case)
		if err := p.serve(ctx, at, strconv.FormatInt(w.N, 10)); err != nil {
			p.say(string(w.Case), err)
			continue
		}
		p.Log.Info().Str("case", string(w.Case)).Int64("n", w.N).Msg("ticket signed")
	}
	return nil
}

// say logs an error once; the same one a second later is no news.
func (p *Process) say(where string, err error) {
	if p.told == nil {
		p.told = map[string]bool{}
	}
	if text := where + " " + err.Error(); !p.told[text] {
		p.told[text] = true
		p.Log.Warn().Err(err).Str("case", where).Msg("cannot sign a ticket")
	}
}

func (p *Process) serve(ctx context.Context, at, n string) error {
	papers, err := p.papers(ctx, at, n)
	if err != nil {
		return err
	}
	order, err := papers.Order()
	if err != nil {
		return err
	}
	believed, err := trust.Chain(papers.Anchor, papers.Trust)
	if err != nil {
		return err
	}
	if err := p.heed(believed.Version); err != nil {
		return err
	}
	file, err := Sign(order, p.Key, believed)
	if err != nil {
		return err
	}
	text, err := envelope.Canonical(file)
	if err != nil {
		return err
	}
	_, err = p.do(ctx, http.MethodPut, at+"/tickets/"+n, text)
	return err
}

func (p *Process) papers(ctx context.Context, at, n string) (Papers, error) {
	papers := Papers{Anchor: p.Anchor}
	for version := 1; version <= trust.MaxVersions; version++ {
		e, err := p.envelope(ctx, "/v1/trust/"+strconv.Itoa(version))
		if errors.Is(err, errNotThere) {
			break
		}
		if err != nil {
			return papers, err
		}
		papers.Trust = append(papers.Trust, e)
	}
	for path, to := range map[string]**envelope.Envelope{
		"/command/1": &papers.Command, "/binding/1": &papers.Binding, "/manifest/" + n: &papers.Manifest,
	} {
		e, err := p.envelope(ctx, at+path)
		if err != nil {
			return papers, err
		}
		*to = e
	}
	receipt, err := p.envelope(ctx, at+"/receipts/backup/"+n)
	if err != nil && !errors.Is(err, errNotThere) {
		return papers, err
	}
	papers.Receipt = receipt
	return papers, nil
}

func (p *Process) envelope(ctx context.Context, path string) (*envelope.Envelope, error) {
	body, err := p.get(ctx, path)
	if err != nil {
		return nil, err
	}
	return envelope.Parse(body, envelope.MaxSize)
}

func (p *Process) get(ctx context.Context, path string) ([]byte, error) {
	return p.do(ctx, http.MethodGet, path, nil)
}

func (p *Process) do(ctx context.Context, method, path string, body []byte) (answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, p.Base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	resp, err := p.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the desk's answer: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, errNotThere
	case resp.StatusCode/100 != 2:
		return nil, fmt.Errorf("cannot ask the desk for %s: it answers %d", path, resp.StatusCode)
	}
	return answer, nil
}
