package broker

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A password is read from a plain file of its owner's, without the line feed at its
// end; anything else is refused, and no refusal holds up or repeats what was read.
func TestThePasswordsFile(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		mode os.FileMode
		text string
		want secret
	}{
		"plain": {0o600, "S3cret", "S3cret"}, "line": {0o400, "S3cret\n", "S3cret"}, "crlf": {0o600, "S3cret\r\n", "S3cret"},
		"two lines": {0o600, "S3\ncret\n\n", "S3\ncret\n"}, "spaces": {0o600, " S3cret ", " S3cret "},
		"longest": {0o600, strings.Repeat("S3", 32767) + "S\n", secret(strings.Repeat("S3", 32767) + "S")},
		"group":   {0o640, "S3cret", ""}, "others": {0o604, "S3cret", ""}, "written": {0o622, "S3cret", ""},
		"empty": {0o600, "", ""}, "line alone": {0o600, "\n", ""}, "longer": {0o600, strings.Repeat("S3", 32768), ""},
	} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(file, []byte(c.text), 0o600), os.Chmod(file, c.mode)); err != nil {
			t.Fatal(err)
		}
		got, err := Login{User: "u", File: file}.password()
		if string(got) != string(c.want) || (err == nil) != (c.want != "") {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if err != nil && strings.Contains(err.Error(), "S3") {
			t.Errorf("%s: the password stands in %q", name, err)
		}
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{pipe, dir, filepath.Join(dir, "none")} {
		if err := (Login{User: "u", File: file}).Readable(); err == nil {
			t.Errorf("%s was read", file)
		}
	}
	if got, err := (Login{User: "u"}).password(); got != "" || err != nil {
		t.Errorf("without a file: %v", err)
	}
}

// A password prints nothing, whatever prints it, and an address loses what stands
// before its @.
func TestAPasswordPrintsNothing(t *testing.T) {
	for _, how := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		word := secret("S3cret")
		for _, said := range []string{fmt.Sprintf(how, word), fmt.Sprintf(how, &struct{ W secret }{word})} {
			if strings.Contains(said, "S3cret") || strings.Contains(said, "533363726574") {
				t.Errorf("%s prints %s", how, said)
			}
		}
	}
	if _, _, _, err := Check("mqtts://u:S3cret@broker.example"); err == nil || strings.Contains(err.Error(), "S3cret") {
		t.Errorf("an address with a password: %v", err)
	}
}

// What a broker answers to CONNECT is told by its name, and what it was shown is what
// the file holds at that moment.
func TestABrokerThatLetsNobodyIn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("S3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[byte]string{0: "", 3: "Unavailable", 4: "the user name or the password (CONNACK 4)", 5: "(CONNACK 5)"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		heard := make(chan []byte, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				close(heard)
				return
			}
			var first [512]byte
			n, _ := c.Read(first[:]) // what is short of a CONNECT is seen below
			heard <- first[:n]
			_, _ = c.Write([]byte{0x20, 2, 0, code})
			_, _ = io.Copy(io.Discard, c) // until the other side ends
			_ = c.Close()
		}()
		conn, err := Dial(t.Context(), Route{URL: "mqtt://" + l.Addr().String(), Login: Login{User: "shop-7", File: file}})
		if sent := <-heard; !bytes.HasSuffix(sent, []byte("\x00\x06shop-7\x00\x06S3cret")) {
			t.Errorf("%d: CONNECT is %q", code, sent)
		}
		if (err == nil) != (code == 0) || errors.Is(err, ErrDenied) != (code == 4 || code == 5) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", code, err)
		}
		if err == nil {
			if said := conn.client.OptionsReader(); said.Password() != "" {
				t.Error("the library keeps the password")
			}
			conn.Close()
		}
		_ = l.Close()
	}
}
