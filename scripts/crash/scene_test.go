//go:build (amd64 || arm64) && !android

package crash

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// scene is everything that takes part in an unbinding: the terminal's folder,
// whose power is cut, and the desk's and the reader's, who keep theirs. They lie
// in At. Whatever no cut may touch lies in Dir: programs, settings, papers.
type scene struct {
	At, Dir string
	URL     string // of the desk, once it was started
	own     string // sockets and settings of this run
	unbindd string // the daemon's name among the programs
	command string // the order, as a file
	heard   func(line string)
	book    *book // or nil

	desk, signer, reader, daemon *program
}

const (
	sold   = 12 // sales; the event after them closes the batch
	before = 6  // of them made before the terminal is bound

	crashCanary = "RRNCANARY7Q9"
)

func (s *scene) bin(name string) string   { return filepath.Join(s.Dir, "bin", name) }
func (s *scene) deskDir() string          { return filepath.Join(s.At, "desk") }
func (s *scene) nvm() string              { return filepath.Join(s.At, "reader", "nvm") }
func (s *scene) state() string            { return filepath.Join(s.At, "terminal", "state") }
func (s *scene) pos(name string) string   { return filepath.Join(s.At, "terminal", "pos", name) }
func (s *scene) paper(name string) string { return filepath.Join(s.Dir, name) }
func (s *scene) settings() string         { return filepath.Join(s.own, "unbindd.yaml") }

// planted is the payment application: what the inventory names, and one file
// that it does not.
var planted = []string{"data/orders.db", "data/deep/cache", "export-1.csv", "log/pos.log", "operator.pin", "bin/pos", "keep/other.txt"}

const spared = "keep/other.txt"

// plant makes the terminal's folder with the application in it, durably.
func (s *scene) plant() error {
	for _, name := range planted {
		if err := os.MkdirAll(filepath.Dir(s.pos(name)), 0o700); err != nil {
			return err
		}
		f, err := os.Create(s.pos(name))
		if err != nil {
			return err
		}
		_, err = f.Write(bytes.Repeat([]byte(name+" "+crashCanary+"\n"), 150))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return filepath.WalkDir(s.At, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// found makes desk, reader and papers, and starts them.
func (s *scene) found() error {
	for _, name := range []string{"terminal", "reader"} {
		if err := os.Mkdir(filepath.Join(s.At, name), 0o700); err != nil {
			return err
		}
	}
	if _, err := call(s.bin("unbind-desk"), "init", "--dir", s.deskDir(),
		"--inventory", "app-data="+s.pos("data"), "--inventory", "exports="+s.pos("export-*.csv"), "--inventory", "logs="+s.pos("log"),
		"--inventory", "credentials="+s.pos("operator.pin"), "--inventory", "software="+s.pos("bin")); err != nil {
		return err
	}
	if err := s.writeTicketKey(); err != nil {
		return err
	}
	if _, err := call(s.bin("readersim"), "init", "--nvm", s.nvm(), "--serial", "PED-0001", "--ticket-key", s.paper("ticket.pub"),
		"--out", s.paper("reader.json")); err != nil {
		return err
	}
	if err := s.startOthers("127.0.0.1:0"); err != nil {
		return err
	}
	for n := range before {
		if err := s.sell(n); err != nil {
			return err
		}
	}
	_, err := call(s.bin("unbind-desk"), "enrol", "--dir", s.deskDir(), "--terminal", "T-1", "--serial", "SN-1", "--acquirer", "898301",
		"--merchant", "898301000004417", "--uscc", "91310000MA1FL0000X", "--account", "6222-0000-4417", "--reader", s.paper("reader.json"),
		"--out", s.paper("enrol-ticket.json"))
	return err
}

// writeTicketKey writes the public half of the ticket signer's key, as the key
// injection of a reader gets it.
func (s *scene) writeTicketKey() error {
	text, err := os.ReadFile(filepath.Join(s.deskDir(), "keys", "reader-1.pem"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	pub := key.(ed25519.PrivateKey).Public().(ed25519.PublicKey)
	return os.WriteFile(s.paper("ticket.pub"), []byte(base64.StdEncoding.EncodeToString(pub)), 0o600)
}

// startOthers starts desk, ticket signer and reader.
func (s *scene) startOthers(listen string) (err error) {
	if s.desk, err = start(nil, s.bin("unbind-desk"), "serve", "--dir", s.deskDir(), "--listen", listen); err != nil {
		return err
	}
	if s.URL, err = s.desk.sign("ready "); err != nil {
		return err
	}
	if s.signer, err = start(nil, s.bin("unbind-desk"), "tickets", "--dir", s.deskDir(), "--key", filepath.Join(s.deskDir(), "keys", "reader-1.pem"), "--every", "20ms"); err != nil {
		return err
	}
	if s.reader, err = start(nil, s.bin("readersim"), "run", "--nvm", s.nvm(), "--link", filepath.Join(s.own, "tty"), "--control", filepath.Join(s.own, "r"),
		"--tid", "30041877", "--mid", "898301000004417", "--batch", "000001"); err != nil {
		return err
	}
	_, err = s.reader.sign("ready ")
	return err
}

// ask speaks to the reader's control socket: what its program would say and hear,
// without a program for every word.
func (s *scene) ask(words ...string) (string, error) {
	line := strings.Join(words, " ")
	conn, err := net.Dial("unix", filepath.Join(s.own, "r"))
	if err != nil {
		return "", fmt.Errorf("cannot reach the reader: %w", err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", fmt.Errorf("cannot ask the reader: %w", err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("the reader does not answer %q: %w", line, err)
	}
	if text, ok := strings.CutPrefix(strings.TrimSpace(answer), "ok"); ok {
		return strings.TrimSpace(text), nil
	}
	return "", fmt.Errorf("the reader answers %q with %s", line, strings.TrimSpace(answer))
}

func (s *scene) sell(n int) error {
	_, err := s.ask("sale", fmt.Sprint(1000+n), "CNY")
	return err
}

// readerState is what the reader's own memory says.
type readerState struct {
	Held     int    `json:"held"`
	Acked    int    `json:"acked"`
	Last     int    `json:"last_event"`
	Counter  uint32 `json:"erase_count"`
	Started  uint32 `json:"erases_started"`
	Finished uint32 `json:"erases_finished"`
	Slots    []struct {
		Zeroised int  `json:"zeroised"`
		Retained bool `json:"retained"`
	} `json:"slots"`
}

func (s *scene) readerState() (st readerState, err error) {
	text, err := s.ask("state")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal([]byte(text), &st)
}

// sellOut makes the sales that were not made yet, and closes the batch.
func (s *scene) sellOut() error {
	st, err := s.readerState()
	if err != nil {
		return err
	}
	for n := st.Last; n < sold; n++ {
		if err := s.sell(n); err != nil {
			return err
		}
	}
	if st.Last <= sold {
		_, err = s.ask("close-batch", "000001")
	}
	return err
}

// traded waits until the reader holds nothing that was not acknowledged.
func (s *scene) traded() error {
	return s.until("the reader to be rid of its events", func() (bool, error) {
		st, err := s.readerState()
		return st.Held == 0, err
	})
}

func (s *scene) until(what string, ok func() (bool, error)) error {
	for late := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		yes, err := ok()
		if err != nil || yes {
			return err
		}
		if !s.daemon.running() {
			return fmt.Errorf("the daemon ended while it was waited for %s; %s", what, s.daemon.said())
		}
		if time.Now().After(late) {
			return fmt.Errorf("waited in vain for %s; %s", what, s.daemon.said())
		}
	}
}

func (s *scene) configure() error {
	return os.WriteFile(s.settings(), fmt.Appendf(nil, `state_dir: %s
socket: %s
terminal:
  manufacturer: Demo
  model: A920
  serial: SN-1
  property: P-1
reader:
  driver: pedlink
  path: %s
link:
  poll: 20ms
  wait: 2s
  retry_min: 20ms
  retry_max: 200ms
power:
  path: %s
erase:
  roots:
    - %s
`, s.state(), filepath.Join(s.own, "s"), filepath.Join(s.own, "tty"), filepath.Join(s.own, "no-power"), s.pos("")), 0o600)
}

func (s *scene) enrol() error {
	anchor, err := os.ReadFile(filepath.Join(s.deskDir(), "anchor.txt"))
	if err != nil {
		return err
	}
	out, err := call(s.bin(s.unbindd), "enrol", "--config", s.settings(), "--ticket", s.paper("enrol-ticket.json"), "--anchor", strings.TrimSpace(string(anchor)))
	if err != nil && strings.Contains(out, "this terminal is bound") {
		return nil // the cut came after its commit
	}
	return err
}

func (s *scene) startDaemon() (err error) {
	if s.daemon, err = start(s.heard, s.bin(s.unbindd), "run", "--config", s.settings()); err != nil {
		return err
	}
	_, err = s.daemon.sign("ready ")
	return err
}

// order makes the command and has two people sign it.
func (s *scene) order() error {
	_, err := call(s.bin("unbind-desk"), "issue", "--dir", s.deskDir(), "--terminal", "T-1", "--action", "rebind", "--profile", "rebind-standard",
		"--reason", "merchant-closed", "--out", s.command)
	for _, who := range []string{"ops-1", "sec-1"} {
		if err == nil {
			_, err = call(s.bin("unbind-desk"), "sign", "--key", filepath.Join(s.deskDir(), "keys", who+".pem"), s.command)
		}
	}
	return err
}

// publish hands the command to the desk; the same one again changes nothing.
func (s *scene) publish() error {
	_, err := call(s.bin("unbind-desk"), "publish", "--dir", s.deskDir(), s.command)
	return err
}

// unbound waits until nothing but the tombstone is left, and the desk's receipt for it.
func (s *scene) unbound() error {
	return s.until("the end of the case", func() (bool, error) {
		left, err := os.ReadDir(s.state())
		return len(left) == 2 && left[0].Name() == "told.json" && left[1].Name() == "tombstone.json", err
	})
}

func (s *scene) end() {
	for _, p := range []*program{s.daemon, s.reader, s.signer, s.desk} {
		p.kill()
	}
}

// payload reads what an envelope carries.
func payload(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var e struct {
		Payload string `json:"payload"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}
