package broker

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// userMost is the longest user name, in bytes.
	userMost = 256
	// passwordMost is what MQTT has room for; a token that stands for a password is long.
	passwordMost = 65535
)

// Login is what a broker knows a client by beside its certificate. The password is
// read at every connect, so that another one needs no new start, and is not kept.
type Login struct {
	User string // empty: none is shown
	File string // that holds the password, for its owner alone; empty: none is shown
}

// secret is a password. It prints nothing, whatever prints it.
type secret string

// Format prints nothing of it.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(not shown)") } // a fmt.State takes everything

// ErrDenied says that the broker was reached and does not let this client in.
var ErrDenied = errors.New("the broker does not let this client in")

// denied is a refusal by the broker's own word. It is said again at every try until
// somebody changes something here or there, so that it is told what.
type denied struct{ why error }

func (d denied) Error() string   { return d.why.Error() }
func (d denied) Is(e error) bool { return e == ErrDenied }

var (
	errPassword = errors.New("it refuses the user name or the password (CONNACK 4); have the user name and the password file agree with the broker's own list")
	errEntry    = errors.New("it lets nobody in who shows this (CONNACK 5); have user name, password file and client certificate agree with the broker's own access list")
)

// named names a refusal of the broker; anything else stays what it is.
func named(t mqtt.Token, err error) error {
	connect, ok := t.(*mqtt.ConnectToken)
	if !ok {
		return err
	}
	select {
	case <-connect.Done():
	default:
		return err // nothing came
	}
	switch connect.ReturnCode() {
	case packets.ErrRefusedBadUsernameOrPassword:
		return denied{errPassword}
	case packets.ErrRefusedNotAuthorised:
		return denied{errEntry}
	}
	return err
}

// Check tells what is wrong with it for a broker at that address, before anybody
// connects. In clear a password goes to this machine alone, by its address: what a name
// leads to, localhost too, is whatever a resolver says.
func (l Login) Check(address string) error {
	if l.User == "" && l.File == "" {
		return nil
	}
	if l.User == "" {
		return errors.New("cannot show a password to the broker: there is no user name to it")
	}
	if len(l.User) > userMost || !utf8.ValidString(l.User) || strings.ContainsFunc(l.User, unicode.IsControl) {
		return fmt.Errorf("cannot show the user name to the broker: want up to %d bytes without control characters", userMost)
	}
	scheme, host, _, err := Check(address)
	if err != nil || l.File == "" || scheme == "mqtts" || net.ParseIP(host).IsLoopback() {
		return err
	}
	return errors.New("cannot show a password to the broker: over mqtt:// it would go in clear; use mqtts://, or mqtt://127.0.0.1 for a broker on this machine")
}

// Readable says whether the password can be read now.
func (l Login) Readable() error {
	_, err := l.password()
	return err
}

// password reads the file: a plain one that nobody but its owner may read, without
// the line feed that an editor puts at its end.
func (l Login) password() (secret, error) {
	if l.File == "" {
		return "", nil
	}
	f, err := os.OpenFile(l.File, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0) // a pipe must not hold us up
	if err != nil {
		return "", fmt.Errorf("cannot read the broker's password: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("cannot read the broker's password: %w", err)
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("cannot read the broker's password: %s is no plain file", l.File)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("cannot read the broker's password: others may read or write %s; make it 0600", l.File)
	}
	text, err := io.ReadAll(io.LimitReader(f, passwordMost+3))
	if err != nil {
		return "", fmt.Errorf("cannot read the broker's password: %w", err)
	}
	word := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if word == "" || len(word) > passwordMost {
		return "", fmt.Errorf("cannot read the broker's password: %s holds no password of 1 to %d bytes", l.File, passwordMost)
	}
	return secret(word), nil
}
