package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"unbindd/agent/local"
)

// The same terminal binary carries a whole unbinding over each way to the desk;
// nothing but its settings differs.
func TestOneBinaryOverEveryLink(t *testing.T) {
	for name, lay := range map[string]func(*world){
		"https":            func(*world) {},
		"https, mosquitto": (*world).byBell,
		"mosquitto":        (*world).byMosquitto,
		"nats":             (*world).byNATS,
		"a folder":         (*world).byFolder,

		"a folder beside a network that is dead": (*world).byFolderBeside,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, options{sales: 200, plain: true, courier: strings.HasPrefix(name, "a folder")})
			lay(w)
			w.startDaemon()
			w.traded(200)
			w.listensForTheBell()
			w.publish(w.sign(w.issue(w.fresh()...), "ops-1", "sec-1"))
			w.walks()
			s := w.unbound()
			if s.Tombstone == nil || s.Tombstone.Result != "complete" || !s.Tombstone.Revealed {
				t.Errorf("tombstone %+v", s.Tombstone)
			}
			w.keepsThePassword(name)
			w.provesComplete(200)
			w.heldToItsLog(!strings.HasPrefix(name, "a folder"))
		})
	}
}

// heldToItsLog looks whether the receipts came with proofs, each continuing the log of the
// one before, and none was in doubt.
func (w *world) heldToItsLog(proven bool) {
	w.t.Helper()
	said := w.daemon.said()
	if got := strings.Contains(said, "; continues the log of "); got != proven || strings.Contains(said, `"warning":"log-`) {
		w.t.Errorf("the log was joined: %v, want %v; the daemon says\n%s", got, proven, said)
	}
}

// byMosquitto lays the pipe over a Mosquitto that believes certificates at one door:
// each terminal may write and read its own topics. Whoever has none, because its key
// is gone, may say its last word at the other, with a user name and a password.
func (w *world) byMosquitto() {
	known, open, pin := w.startMosquitto()
	w.deskAt("mqtts://" + known)
	w.pipe(fmt.Sprintf("  url: mqtts://%s\n  open: mqtts://%s\n  user: last\n  password_file: %s\n  pins:\n    - %s\n", known, open, w.password("mosquitto-S3cret"), pin))
}

// password writes a broker's password to a file outside the state directory.
func (w *world) password(word string, folder ...string) string {
	w.t.Helper()
	file := filepath.Join(w.path(folder...), "password")
	if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// keepsThePassword holds the logs to it that they have no password, and the terminal
// that it erased its own where a folder of erase.roots holds it, and there alone.
func (w *world) keepsThePassword(name string) {
	w.t.Helper()
	for _, log := range []string{w.daemon.said(), w.desk.said()} {
		if strings.Contains(log, "S3cret") {
			w.t.Error("a password stands in a log")
		}
	}
	if exists(w.path("pos", "keep", "password")) {
		w.t.Error("the broker's password is still there, below a folder of erase.roots")
	}
	if name == "mosquitto" && !exists(w.path("password")) {
		w.t.Error("a password that no folder of erase.roots holds was erased")
	}
}

// byBell lets the broker ring and HTTPS carry; without the bell the terminal would
// ask once in six hours.
func (w *world) byBell() {
	known, _, pin := w.startMosquitto()
	w.deskAt("mqtts://" + known)
	w.rings = true
	w.setting("  poll: 50ms\n", "  poll: 6h\n")
	w.setting("power:\n", fmt.Sprintf("mqtt:\n  use: bell\n  url: mqtts://%s\n  pins:\n    - %s\npower:\n", known, pin))
}

// listensForTheBell waits until the terminal has asked and listens, where a bell is
// all that can tell it of an order before six hours are over.
func (w *world) listensForTheBell() {
	w.t.Helper()
	if !w.rings {
		return
	}
	w.until("somebody to listen for the bell", func(s local.Status) bool {
		return s.Link.State == "up" && strings.Contains(w.mosquitto.said(), "t/"+terminalID+"/bell")
	})
}

// byNATS lays it over a NATS server that asks everybody for a user name and a password.
func (w *world) byNATS() {
	w.t.Helper()
	dir := w.path("nats")
	s, err := server.NewServer(&server.Options{
		ServerName: "n1", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
		Username: "shop", Password: "nats-S3cret",
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: -1},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	go s.Start()
	w.t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		w.t.Fatal("the NATS server does not start")
	}
	url := "mqtt://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(mqttPort(w, s)))
	w.deskAt(url, "--mqtt-user", "shop", "--mqtt-password-file", w.password("nats-S3cret", "desk"))
	w.pipe(fmt.Sprintf("  url: %s\n  user: shop\n  password_file: %s\n", url, w.password("nats-S3cret", "pos", "keep")))
}

// mqttPort is the port that the server chose for MQTT.
func mqttPort(w *world, s *server.Server) int {
	w.t.Helper()
	v, err := s.Varz(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.MQTT.Port
}

// deskAt starts the desk again, at a broker too.
func (w *world) deskAt(url string, more ...string) {
	w.t.Helper()
	w.desk.stop()
	w.startDesk(append([]string{"--mqtt", url, "--mqtt-message", "32768", "--mqtt-again", "200ms"}, more...)...)
	w.desk.sign("broker ")
}

// pipe has the terminal speak over a broker, and takes HTTPS away from it.
func (w *world) pipe(settings string) {
	w.t.Helper()
	w.setting("link:\n", "link:\n  proxy: http://127.0.0.1:1\n")
	w.setting("power:\n", "mqtt:\n  use: pipe\n  message: 32KiB\n  resend: 1s\n"+settings+"power:\n")
}

// startMosquitto starts a broker with two doors: one for who shows a certificate
// of the desk's CA, one for who has none. It returns both and the broker's pin.
func (w *world) startMosquitto() (known, open, pin string) {
	w.t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		path = "/usr/sbin/mosquitto" // not in everybody's PATH
	}
	if !exists(path) {
		w.t.Fatal("mosquitto is not installed: run scripts/deps.sh")
	}
	dir := w.path("mosquitto")
	if err := os.Mkdir(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	pin = w.brokerCertificate(dir)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	write("known.acl", "user unbind-desk\ntopic readwrite t/#\ntopic readwrite r/#\npattern write t/%u/up\npattern read t/%u/down\npattern read t/%u/bell\n")
	write("open.acl", "user last\ntopic write r/+/up\ntopic read r/+/down\n")
	if out, err := exec.Command("mosquitto_passwd", "-b", "-c", filepath.Join(dir, "passwords"), "last", "mosquitto-S3cret").CombinedOutput(); err != nil {
		w.t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	known, open = freePort(w), freePort(w)
	door := func(address string) string {
		_, port, _ := net.SplitHostPort(address) // freePort made it
		return fmt.Sprintf("listener %s 127.0.0.1\nsocket_domain ipv4\ncertfile %s\nkeyfile %s\ntls_version tlsv1.3\n",
			port, filepath.Join(dir, "broker.pem"), filepath.Join(dir, "broker.key"))
	}
	write("mosquitto.conf", "per_listener_settings true\nset_tcp_nodelay true\npersistence false\nuser root\nlog_dest stderr\nlog_type error\nlog_type subscribe\n"+
		door(known)+"cafile "+w.path("desk", "ca", "ca.pem")+"\nrequire_certificate true\nuse_identity_as_username true\nallow_anonymous false\nacl_file "+filepath.Join(dir, "known.acl")+"\n"+
		door(open)+"allow_anonymous false\npassword_file "+filepath.Join(dir, "passwords")+"\nacl_file "+filepath.Join(dir, "open.acl")+"\n")
	w.mosquitto = start(w.t, path, "-c", filepath.Join(dir, "mosquitto.conf"))
	for _, address := range []string{known, open} {
		w.listens(address)
	}
	return known, open, pin
}

func freePort(w *world) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// listens waits until somebody does.
func (w *world) listens(address string) {
	w.t.Helper()
	for late := time.After(patience); ; {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close() // it said what it had to say
			return
		}
		select {
		case <-late:
			w.t.Fatalf("nobody listens on %s: %v", address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// brokerCertificate issues a certificate to the broker and returns its pin.
func (w *world) brokerCertificate(dir string) string {
	w.t.Helper()
	check := func(err error) {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		check(err)
		block, _ := pem.Decode(text)
		return block.Bytes
	}
	ca, err := x509.ParseCertificate(read(w.path("desk", "ca", "ca.pem")))
	check(err)
	caKey, err := x509.ParsePKCS8PrivateKey(read(w.path("desk", "ca", "ca.key")))
	check(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, key.Public(), caKey)
	check(err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	keep := func(name, kind string, der []byte) {
		check(os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	keep("broker.pem", "CERTIFICATE", der)
	keep("broker.key", "PRIVATE KEY", raw)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	check(err)
	return fmt.Sprintf("sha256:%x", sha256.Sum256(spki))
}
