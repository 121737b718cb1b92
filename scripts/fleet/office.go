package fleet

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// patience bounds the wait for a sign that never comes; no figure rests on it.
const patience = 2 * time.Minute

// Office is a desk's directory and the process that serves it.
type Office struct {
	Program string // unbind-desk
	Dir     string

	Trust  *trust.Trust
	people people
	roots  *x509.CertPool
	addr   string // of the terminals' door, kept over a restart
	cmd    *exec.Cmd
	log    *Tail
	asks   *http.Client
}

// Found makes a desk's directory, with a short name that a socket can have.
func Found(ctx context.Context, program, dir string) (*Office, error) {
	o := &Office{Program: program, Dir: dir, addr: "127.0.0.1:0"}
	if text, err := exec.CommandContext(ctx, program, "init", "--dir", dir).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot found the desk: %w\n%s", err, text)
	}
	if err := o.readPeople(); err != nil {
		return nil, err
	}
	return o, nil
}

// Start serves the directory and waits until both doors are open. A later start
// takes the same address.
func (o *Office) Start(ctx context.Context) error {
	o.cmd = exec.Command(o.Program, "serve", "--dir", o.Dir, "--listen", o.addr, "--cap-signer", "0", "--cap-day", "0") // all of a fleet is ordered by two people in one day
	o.log = &Tail{}
	o.cmd.Stderr = o.log
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := o.cmd.Start(); err != nil {
		return fmt.Errorf("cannot start the desk: %w", err)
	}
	ready := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if url, ok := strings.CutPrefix(s.Text(), "ready https://"); ok {
				ready <- url
			}
		}
		close(ready)
	}()
	select {
	case url, ok := <-ready:
		if !ok {
			return fmt.Errorf("the desk ended before it was ready:\n%s", o.log.String())
		}
		o.addr = url
	case <-time.After(patience):
		return errors.Join(errors.New("the desk did not get ready"), o.Kill())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), o.Kill())
	}
	o.asks = &http.Client{Transport: &http.Transport{
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(o.Dir, "desk.sock"))
		},
	}}
	return nil
}

// PID is the desk's process.
func (o *Office) PID() int { return o.cmd.Process.Pid }

// Kill cuts the desk's power.
func (o *Office) Kill() error {
	if err := o.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot kill the desk: %w", err)
	}
	_ = o.cmd.Wait() // it was killed: an error is what it must return
	return nil
}

// Stop ends the desk as an operator does.
func (o *Office) Stop() error {
	o.asks.CloseIdleConnections()
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot end the desk: %w", err)
	}
	if err := o.cmd.Wait(); err != nil {
		return fmt.Errorf("the desk ended badly: %w\n%s", err, o.log.String())
	}
	return nil
}

// Ask asks the operators' door; seen is the version of a case, or 0.
func (o *Office) Ask(ctx context.Context, method, path string, body, answer any, seen int64) error {
	var sent []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		sent = b
	default:
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://desk"+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if seen > 0 {
		req.Header.Set("If-Match", fmt.Sprintf("%q", fmt.Sprint(seen)))
	}
	resp, err := o.asks.Do(req)
	if err != nil {
		return fmt.Errorf("cannot ask the desk: %w", err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: the desk answers %d: %s", method, path, resp.StatusCode, text)
	}
	return json.Unmarshal(text, answer)
}

// Vitals is how busy a desk is at this moment.
type Vitals struct {
	Goroutines int   `json:"goroutines"`
	Waiting    int64 `json:"waiting"`
}

// Vitals asks the desk how busy it is.
func (o *Office) Vitals(ctx context.Context) (v Vitals, err error) {
	return v, o.Ask(ctx, http.MethodGet, "/desk/vitals", nil, &v, 0)
}

// readPeople reads the trust of the new desk and the keys of its people.
func (o *Office) readPeople() error {
	text, err := os.ReadFile(filepath.Join(o.Dir, "trust.json"))
	if err != nil {
		return err
	}
	var bundles []json.RawMessage
	if err := json.Unmarshal(text, &bundles); err != nil || len(bundles) == 0 {
		return errors.Join(errors.New("cannot read the desk's trust"), err)
	}
	first, err := envelope.Parse(bundles[0], envelope.MaxSize)
	if err != nil {
		return err
	}
	if o.Trust, err = trust.Anchor(first, first.Digest()); err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(o.Dir, "ca", "ca.pem"))
	if err != nil {
		return err
	}
	if o.roots = x509.NewCertPool(); !o.roots.AppendCertsFromPEM(ca) {
		return errors.New("cannot read the desk's CA")
	}
	o.people, err = o.gather("ops-1", "sec-1", "rel-1")
	return err
}
