package main

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
)

const (
	terminalID = "T-30041877"
	serialNo   = "SN-0086-4417"
	readerNo   = "PED-0001"
)

// world is one terminal with its reader, its desk and its ticket signer.
type world struct {
	t         *testing.T
	wait      time.Duration // bounds a wait for a status
	dir       string
	url       string
	mosquitto *process // where a test has one
	apart     bool     // a folder is its only way out
	rings     bool     // its bell is all that wakes the terminal
	desk      *process
	tickets   *process
	reader    *process
	daemon    *process
	plain     bool     // as options have it
	enrolled  string   // what its enrolment said
	under     []string // a stock program, with its arguments, that the daemon is started by
}

// options of a world.
type options struct {
	sales    int      // transactions that the reader makes, its batch closed behind them
	open     bool     // leave the batch open
	profile  string   // rebind-standard unless told
	noTicket bool     // no ticket signer runs
	courier  bool     // a medium is plugged in
	deskArgs []string // for serve
	state    string   // state directory, where it lies elsewhere
	plain    bool     // the daemon has no race detector
	protocol string   // that the reader speaks; pedlink unless told
	driver   string   // that the settings name; the reader's own unless told
	set      []string // further settings

	inventory func(w *world) []string // further places, class=path
	roots     func(w *world) []string // further folders that may be erased
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}
func (w *world) state() string  { return w.path("state") }
func (w *world) socket() string { return w.path("s") }

// newWorld makes desk, reader and an enrolled terminal; the daemon is not
// started yet.
func newWorld(t *testing.T, o options) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, wait: patience, plain: o.plain}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	w.plantApplication()
	own := []string{"init", "--dir", w.path("desk"),
		"--inventory", "app-data=" + w.path("pos", "data"), "--inventory", "exports=" + w.path("pos", "export-*.csv"),
		"--inventory", "logs=" + w.path("pos", "log"), "--inventory", "credentials=" + w.path("pos", "operator.pin"),
		"--inventory", "software=" + w.path("pos", "bin")}
	if o.inventory != nil {
		for _, place := range o.inventory(w) {
			own = append(own, "--inventory", place)
		}
	}
	must(t, "unbind-desk", own...)
	w.startDesk(o.deskArgs...)
	if !o.noTicket {
		w.startTickets()
	}
	o.protocol = cmp.Or(o.protocol, "pedlink")
	must(t, "readersim", "init", "--nvm", w.path("nvm"), "--serial", readerNo, "--protocol", o.protocol, "--ticket-key", w.ticketKey(), "--out", w.path("reader.json"))
	w.startReader(o.readerArgs()...)
	w.writeConfig(o)
	w.enrol()
	return w
}

func (o options) readerArgs() []string {
	speaks := []string{"--protocol", o.protocol}
	if o.sales == 0 {
		return speaks
	}
	args := []string{"--protocol", o.protocol, "--generate", fmt.Sprint(o.sales), "--tid", "30041877", "--mid", "898301000004417", "--batch", "000001", "--canary", canary}
	if !o.open {
		args = append(args, "--close-batch")
	}
	return args
}

// canary is a distinctive value planted in transactions and files.
const canary = "RRNCANARY7Q9"

// plantApplication is the payment application that the inventory names.
func (w *world) plantApplication() {
	w.t.Helper()
	for name, text := range map[string]string{
		"data/orders.db": "data", "data/deep/er/cache": "cache", "export-1.csv": "export", "export-2.csv": "export",
		"log/pos.log": "log", "operator.pin": "pin", "bin/pos": "program", "keep/other.txt": "not in the inventory",
	} {
		path := w.path("pos", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte(text+" "+canary+"\n"), 500), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) startDesk(args ...string) {
	w.t.Helper()
	listen := "127.0.0.1:0"
	if w.url != "" { // the same port again, as a desk that comes back has
		listen = strings.TrimPrefix(w.url, "https://")
	}
	w.desk = start(w.t, "unbind-desk", append([]string{"serve", "--dir", w.path("desk"), "--listen", listen}, args...)...)
	w.url = w.desk.sign("ready ")
}

func (w *world) startTickets() {
	w.t.Helper()
	w.tickets = start(w.t, "unbind-desk", "tickets", "--dir", w.path("desk"), "--key", w.path("desk", "keys", "reader-1.pem"))
	w.tickets.sign("ready")
}

func (w *world) startReader(args ...string) {
	w.t.Helper()
	w.reader = start(w.t, "readersim", append([]string{"run", "--nvm", w.path("nvm"), "--link", w.path("tty"), "--control", w.path("r")}, args...)...)
	w.reader.sign("ready ")
}

// ask sends one line to the reader's control socket.
func (w *world) ask(words ...string) string {
	w.t.Helper()
	return strings.TrimSpace(must(w.t, "readersim", append([]string{"control", "--socket", w.path("r")}, words...)...))
}

// ticketKey writes the public half of the ticket signer's key, as the key
// injection of a reader gets it.
func (w *world) ticketKey() string {
	w.t.Helper()
	pub, ok := w.key("reader-1").Public().(ed25519.PublicKey)
	if !ok {
		w.t.Fatal("reader-1 is no ed25519 key")
	}
	path := w.path("ticket.pub")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(pub)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// key reads one of the desk's demo keys.
func (w *world) key(holder string) ed25519.PrivateKey {
	w.t.Helper()
	text, err := os.ReadFile(w.path("desk", "keys", holder+".pem"))
	if err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		w.t.Fatalf("%s is no ed25519 key", holder)
	}
	return private
}

func (w *world) writeConfig(o options) {
	w.t.Helper()
	state := o.state
	if state == "" {
		state = w.state()
	}
	text := fmt.Sprintf(`state_dir: %s
socket: %s
terminal:
  manufacturer: Demo
  model: A920
  serial: %s
  property: P-1
reader:
  driver: %s
  path: %s
link:
  poll: 50ms
  wait: 2s
  retry_min: 50ms
  retry_max: 500ms
power:
  path: %s
erase:
  roots:
    - %s
`, state, w.socket(), serialNo, cmp.Or(o.driver, o.protocol), w.path("tty"), w.path("no-power"), w.path("pos"))
	if o.roots != nil {
		for _, root := range o.roots(w) {
			text += "    - " + root + "\n"
		}
	}
	if o.courier {
		w.plugMedium()
		text += fmt.Sprintf("courier:\n  path: %s\n", w.path("usb"))
	}
	if err := os.WriteFile(w.path("unbindd.yaml"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) enrol() {
	w.t.Helper()
	must(w.t, "unbind-desk", "enrol", "--dir", w.path("desk"), "--terminal", terminalID, "--serial", serialNo, "--acquirer", "898301",
		"--merchant", "898301000004417", "--uscc", "91310000MA1FL0000X", "--account", "6222-0000-4417", "--reader", w.path("reader.json"), "--out", w.path("ticket.json"))
	w.enrolled = must(w.t, plainDaemon, "enrol", "--config", w.path("unbindd.yaml"), "--ticket", w.path("ticket.json"), "--anchor", w.anchor())
}

func (w *world) anchor() string {
	w.t.Helper()
	b, err := os.ReadFile(w.path("desk", "anchor.txt"))
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// startDaemon starts the daemon and waits until it answers; pauses are moments
// to stand still at.
func (w *world) startDaemon(pauses ...string) string {
	w.t.Helper()
	args := []string{"run", "--config", w.path("unbindd.yaml")}
	for _, at := range pauses {
		args = append(args, "--pause-at", at)
	}
	name := "unbindd"
	if w.plain {
		name = plainDaemon
	}
	if len(w.under) > 0 {
		args = append(append(append([]string{}, w.under[1:]...), program(name)), args...)
		name = w.under[0]
	}
	w.daemon = start(w.t, name, args...)
	mode, _, _ := strings.Cut(w.daemon.sign("ready "), " ")
	return mode
}

func (w *world) client() *local.Client { return local.NewClient(w.socket()) }

// until waits until the terminal's status is as wanted; it looks again at every
// event, and now and then where events are missed.
func (w *world) until(what string, ok func(local.Status) bool) local.Status {
	w.t.Helper()
	late := time.After(w.wait)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	var s local.Status
	for {
		var err error
		if s, err = w.client().Status(w.t.Context()); err == nil && ok(s) {
			return s
		}
		select {
		case <-again.C:
		case <-late:
			b, _ := json.MarshalIndent(s, "", " ") // a status always encodes
			w.t.Fatalf("waited in vain for %s\n%s\n%s", what, b, w.daemon.said())
		}
	}
}

// traded waits until so many transactions are in the ledger.
func (w *world) traded(n int) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d transactions", n), func(s local.Status) bool { return s.Ledger != nil && s.Ledger.Transactions == uint64(n) })
}

// issue makes a command at the desk and returns its file, unsigned.
func (w *world) issue(args ...string) string {
	w.t.Helper()
	path := w.path("command.json")
	full := append([]string{"issue", "--dir", w.path("desk"), "--terminal", terminalID, "--action", "rebind", "--profile", "rebind-standard",
		"--reason", "merchant-closed", "--out", path}, args...)
	must(w.t, "unbind-desk", full...)
	return path
}

// caseID is the number of the newest case, as the desk gave it.
func (w *world) caseID() string {
	w.t.Helper()
	text, err := os.ReadFile(w.path("command.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := envelope.Parse(text, envelope.MaxCommand)
	if err != nil {
		w.t.Fatal(err)
	}
	var c command.Command
	if err := envelope.Decode(e.Payload, &c); err != nil {
		w.t.Fatal(err)
	}
	return string(c.Case)
}

func (w *world) sign(path string, holders ...string) string {
	w.t.Helper()
	for _, h := range holders {
		must(w.t, "unbind-desk", "sign", "--key", w.path("desk", "keys", h+".pem"), path)
	}
	return path
}

func (w *world) publish(path string) {
	w.t.Helper()
	must(w.t, "unbind-desk", "publish", "--dir", w.path("desk"), path)
}

// load hands a file to the daemon and returns what became of its last object.
func (w *world) load(path string) local.Object {
	w.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.loadText(text)
}

func (w *world) loadText(text []byte) local.Object {
	w.t.Helper()
	l, err := w.client().Load(w.t.Context(), text)
	if err != nil || len(l.Items) == 0 {
		w.t.Fatalf("cannot load: %v", err)
	}
	return l.Items[len(l.Items)-1]
}

// unbound waits until nothing but the tombstone is left.
func (w *world) unbound() local.Status {
	w.t.Helper()
	return w.until("the end", func(s local.Status) bool {
		return s.Mode == local.Unbound && !exists(filepath.Join(w.state(), "journal.db")) && !exists(filepath.Join(w.state(), "bury"))
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
