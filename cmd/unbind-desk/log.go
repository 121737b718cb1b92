package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
)

// watcher holds a desk to the log it has shown before. It needs the anchor and
// the CA, and nothing that is secret.
type watcher struct {
	base   string
	anchor envelope.Digest
	client *http.Client
	chain  []*trust.Trust // every version, the newest last
}

func logCommand() *cobra.Command {
	var dir, url, keep string
	c := &cobra.Command{
		Use:   "log --dir DIR --keep FILE",
		Short: "Hold the desk to its log: the newest checkpoint must continue the one kept",
		Long: `Hold the desk to its log: the newest checkpoint must continue the one kept.

Fetches the log's checkpoint, verifies its signature from the anchor on, has the
desk prove that it continues the checkpoint in FILE, and only then keeps the new
one there; the first time there is none to compare with. Run it daily, on a
machine that is not the desk's: from DIR it reads the anchor and the CA alone,
with --url. A log that was rewritten or rolled back is refused (E24).`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			w, err := newWatcher(c.Context(), directory.Dir(dir), url)
			if err != nil {
				return err
			}
			before, now, err := w.watch(c.Context(), keep)
			if err != nil {
				return err
			}
			told := map[string]any{"origin": now.Origin, "before": before.Size, "size": now.Size, "root": now.Root.String(), "file": keep}
			return show(c, told, func() {
				say(c, "%s", text{"Log %s has %d leaves, and continues the %d of before.", "日志 %s 有 %d 条，延续先前的 %d 条。"}.in(now.Origin, now.Size, before.Size))
				say(c, "%s", text{"Root %s, checkpoint kept in %s", "根 %s，检查点已存入 %s"}.in(now.Root, keep))
			})
		}),
	}
	dirFlag(c, &dir)
	c.Flags().StringVar(&keep, "keep", "", "file with the checkpoint that was seen last")
	c.Flags().StringVar(&url, "url", "", "the desk's address; asked at its socket where not given")
	must(c, "keep")
	return c
}

func newWatcher(ctx context.Context, dir directory.Dir, url string) (*watcher, error) {
	anchor, err := dir.ReadAnchor()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(dir.CACertificate())
	if err != nil {
		return nil, fmt.Errorf("cannot read the CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("cannot read the CA: there is no certificate in it")
	}
	if url == "" {
		if url, err = operator(string(dir)).Address(ctx); err != nil {
			return nil, err
		}
	}
	return &watcher{base: url, anchor: anchor, client: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: roots}},
	}}, nil
}

// watch compares the log with the checkpoint in a file and keeps the newer one.
func (w *watcher) watch(ctx context.Context, file string) (before, now merkle.Checkpoint, err error) {
	if err := w.believe(ctx); err != nil {
		return before, now, err
	}
	text, err := w.get(ctx, "/v1/log/checkpoint")
	if err != nil {
		return before, now, err
	}
	newest := w.chain[len(w.chain)-1]
	if now, err = merkle.OpenCheckpoint(text, newest); err != nil {
		return before, now, err
	}
	kept, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return before, now, fmt.Errorf("cannot read the checkpoint that was kept: %w", err)
	default:
		if before, err = w.opened(kept); err == nil {
			err = w.continues(ctx, before, now, newest)
		}
		if err != nil {
			return before, now, err
		}
	}
	return before, now, authority.Replace(file, text, 0o644)
}

// opened reads a checkpoint that was kept, which an earlier key of the log may
// have signed.
func (w *watcher) opened(text []byte) (c merkle.Checkpoint, err error) {
	for _, t := range w.chain {
		if c, err = merkle.OpenCheckpoint(text, t); err == nil {
			break
		}
	}
	return c, err
}

func (w *watcher) continues(ctx context.Context, before, now merkle.Checkpoint, t *trust.Trust) error {
	switch {
	case before.Size > now.Size:
		return envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the log has %d leaves, and had %d", now.Size, before.Size)
	case before.Size == 0:
		return nil // everything continues nothing
	}
	proof, err := w.get(ctx, fmt.Sprintf("/v1/log/consistency/%d/%d", before.Size, now.Size))
	if err != nil {
		return err
	}
	proven, err := merkle.CheckGrowth(proof, before, t)
	if err == nil && proven != now {
		err = envelope.Refuse("E24", "consistency", "cannot accept the checkpoint: the desk shows two of one size")
	}
	return err
}

// believe fetches every trust bundle and verifies the chain from the anchor.
func (w *watcher) believe(ctx context.Context) error {
	var bundles []*envelope.Envelope
	for n := 1; n <= trust.MaxVersions; n++ {
		text, err := w.get(ctx, fmt.Sprintf("/v1/trust/%d", n))
		if errors.Is(err, errNotThere) {
			break
		}
		if err != nil {
			return err
		}
		e, err := envelope.Parse(text, envelope.MaxSize)
		if err != nil {
			return err
		}
		bundles = append(bundles, e)
		t, err := trust.Chain(w.anchor, bundles)
		if err != nil {
			return err
		}
		w.chain = append(w.chain, t)
	}
	if len(w.chain) == 0 {
		return errors.New("cannot believe the desk: it has no trust bundle")
	}
	return nil
}

// errNotThere says that the desk has no such thing.
var errNotThere = errors.New("the desk has none")

func (w *watcher) get(ctx context.Context, path string) (body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+path, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the desk: %w", err)
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	body, err = io.ReadAll(io.LimitReader(resp.Body, envelope.MaxSize))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the desk's answer: %w", err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, errNotThere
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("cannot ask the desk for %s: it answers %d", path, resp.StatusCode)
	}
	return body, nil
}
