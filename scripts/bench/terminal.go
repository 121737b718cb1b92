package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"unbindd/agent/local"
)

const (
	terminalID = "T-30041877"
	serialNo   = "SN-0086-4417"
	readerNo   = "PED-0001"
	merchantNo = "898301000004417"
)

// terminal is a desk, a ticket signer, a reader and an enrolled terminal, all
// of real programs, in a folder of their own.
type terminal struct {
	b       *bench
	dir     string
	sockets string
	baud    int  // what the daemon believes the line to have
	quiet   bool // the daemon asks its desk as seldom as it does by default

	desk, tickets, reader, daemon *process
}

// newTerminal founds a desk, connects a reader and enrols. on begins the reader
// on its line and returns the tty that the terminal opens.
func (b *bench) newTerminal(on func(t *terminal) (tty string, err error)) (*terminal, error) {
	t := &terminal{b: b, baud: baud}
	var err error
	if t.dir, err = os.MkdirTemp(b.work, "t"); err == nil {
		t.sockets, err = os.MkdirTemp(b.sockets, "t")
	}
	if err == nil {
		err = t.found()
	}
	var tty string
	if err == nil {
		tty, err = on(t)
	}
	if err == nil {
		err = t.enrol(tty)
	}
	if err != nil {
		return nil, errors.Join(err, t.end())
	}
	return t, nil
}

func (t *terminal) path(parts ...string) string {
	return filepath.Join(append([]string{t.dir}, parts...)...)
}
func (t *terminal) socket() string        { return filepath.Join(t.sockets, "d") }
func (t *terminal) client() *local.Client { return local.NewClient(t.socket()) }

// call runs a program in the terminal's folder. The desk's folder is named from
// there, because the name of the socket in it must be short.
func (t *terminal) call(name string, args ...string) (string, error) {
	return t.b.call(t.dir, name, args...)
}

// found makes the desk, starts it and its ticket signer, and makes a reader.
func (t *terminal) found() error {
	if _, err := t.call("unbind-desk", "init", "--dir", "desk"); err != nil {
		return err
	}
	var err error
	if t.desk, _, err = t.b.start(t.dir, "ready ", "unbind-desk", "serve", "--dir", "desk"); err != nil {
		return err
	}
	t.tickets, _, err = t.b.start(t.dir, "ready", "unbind-desk", "tickets", "--dir", "desk",
		"--key", filepath.Join("desk", "keys", "reader-1.pem"), "--every", "100ms")
	if err != nil {
		return err
	}
	if err := t.ticketKey(); err != nil {
		return err
	}
	_, err = t.call("readersim", "init", "--nvm", "nvm", "--serial", readerNo, "--ticket-key", "ticket.pub", "--out", "reader.json")
	return err
}

// ticketKey writes the public half of the ticket signer's key, as the key
// injection of a reader gets it.
func (t *terminal) ticketKey() error {
	text, err := os.ReadFile(t.path("desk", "keys", "reader-1.pem"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return errors.New("cannot read the ticket signer's key: it is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("cannot read the ticket signer's key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return errors.New("cannot read the ticket signer's key: it is no Ed25519 key")
	}
	public, ok := private.Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("cannot read the ticket signer's key: it has no public half")
	}
	return os.WriteFile(t.path("ticket.pub"), []byte(base64.StdEncoding.EncodeToString(public)), 0o600)
}

// plug switches the reader on with a pty of its own.
func (t *terminal) plug(args ...string) (tty string, err error) {
	tty = filepath.Join(t.sockets, "tty")
	return tty, t.switchOn(append([]string{"--link", tty}, args...)...)
}

func (t *terminal) switchOn(args ...string) (err error) {
	all := append([]string{"run", "--nvm", "nvm", "--control", filepath.Join(t.sockets, "r"),
		"--tid", "30041877", "--mid", merchantNo, "--batch", "000001"}, args...)
	t.reader, _, err = t.b.start(t.dir, "ready ", "readersim", all...)
	return err
}

// ask sends one line to the reader's control socket.
func (t *terminal) ask(words ...string) error {
	_, err := t.call("readersim", append([]string{"control", "--socket", filepath.Join(t.sockets, "r")}, words...)...)
	return err
}

const settings = `state_dir: %s
socket: %s
log:
  level: warn
terminal:
  serial: %s
reader:
  path: %s
  baud: %d
link:
  poll: %s
  wait: %s
  retry_min: 50ms
  retry_max: 500ms
`

func (t *terminal) enrol(tty string) error {
	poll, wait := "50ms", "2s"
	if t.quiet {
		poll, wait = "6h", "55s"
	}
	text := fmt.Sprintf(settings, t.path("state"), t.socket(), serialNo, tty, t.baud, poll, wait)
	if err := os.WriteFile(t.path("unbindd.yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	anchor, err := os.ReadFile(t.path("desk", "anchor.txt"))
	if err != nil {
		return err
	}
	_, err = t.call("unbind-desk", "enrol", "--dir", "desk", "--terminal", terminalID, "--serial", serialNo, "--acquirer", "898301",
		"--merchant", merchantNo, "--uscc", "91310000MA1FL0000X", "--account", "6222-0000-4417", "--reader", "reader.json", "--out", "ticket.json")
	if err != nil {
		return err
	}
	_, err = t.call("unbindd", "enrol", "--config", "unbindd.yaml", "--ticket", "ticket.json", "--anchor", strings.TrimSpace(string(anchor)))
	return err
}

// run starts the daemon and waits until it answers.
func (t *terminal) run() (err error) {
	t.daemon, _, err = t.b.start(t.dir, "ready ", "unbindd", "run", "--config", "unbindd.yaml")
	return err
}

// order has two people sign a command and publishes it at the desk.
func (t *terminal) order() error {
	_, err := t.call("unbind-desk", "issue", "--dir", "desk", "--terminal", terminalID, "--action", "rebind",
		"--profile", "rebind-standard", "--reason", "merchant-closed", "--out", "command.json")
	if err != nil {
		return err
	}
	for _, holder := range []string{"ops-1", "sec-1"} {
		if _, err := t.call("unbind-desk", "sign", "--key", filepath.Join("desk", "keys", holder+".pem"), "command.json"); err != nil {
			return err
		}
	}
	_, err = t.call("unbind-desk", "publish", "--dir", "desk", "command.json")
	return err
}

// look is how often a status is asked for while something is waited for.
const look = 5 * time.Millisecond

// until asks for the status until it is as wanted, and returns when that was.
func (t *terminal) until(what string, ok func(local.Status) bool) (time.Time, error) {
	return t.untilEvery(look, what, ok)
}

// untilEvery asks as rarely as the answers should cost the daemon little.
func (t *terminal) untilEvery(pause time.Duration, what string, ok func(local.Status) bool) (time.Time, error) {
	again := time.NewTicker(pause)
	defer again.Stop()
	client := t.client()
	for {
		s, err := client.Status(t.b.ctx)
		now := time.Now()
		if err == nil && ok(s) {
			return now, nil
		}
		select {
		case <-again.C:
		case <-t.daemon.done:
			return now, fmt.Errorf("unbindd ended while %s was waited for:\n%s", what, t.daemon.log.String())
		case <-t.b.ctx.Done():
			return now, fmt.Errorf("waited in vain for %s: %w\n%s", what, t.b.ctx.Err(), t.daemon.log.String())
		}
	}
}

// held is the number of transactions in the ledger, as a status tells it.
func held(s local.Status) int {
	if s.Ledger == nil {
		return 0
	}
	return int(s.Ledger.Transactions)
}

// end ends every program and removes the folder.
func (t *terminal) end() error {
	var err error
	for _, p := range []*process{t.daemon, t.reader, t.tickets, t.desk} {
		err = errors.Join(err, p.stop())
	}
	return errors.Join(err, os.RemoveAll(t.dir))
}
