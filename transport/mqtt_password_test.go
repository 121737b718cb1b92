package transport_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

// signsIn has a link show a user name and a password from a file.
func signsIn(t *testing.T, password string) func(*transport.MQTTConfig, *transport.Identity) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	write(t, file, password)
	return func(m *transport.MQTTConfig, _ *transport.Identity) { m.User, m.PasswordFile = "pos-1", file }
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A password that the broker does not take is told by name, without the password; the
// right one in the same file is taken at the next try, by the same link.
func TestAWrongPasswordIsToldAndMended(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	b.Demand("pos-1", "right-S3cret")
	var file string
	link := b.Link(t, func(m *transport.MQTTConfig, id *transport.Identity) {
		signsIn(t, "wrong-S3cret")(m, id)
		file = m.PasswordFile
	})
	_, err := link.Put(t.Context(), manifest, []byte(`{}`))
	if err == nil || !errors.Is(err, transport.ErrDenied) || transport.Permanent(err) || !strings.Contains(err.Error(), "CONNACK") {
		t.Fatalf("a wrong password: %v", err)
	}
	if strings.Contains(err.Error(), "S3cret") {
		t.Errorf("the password stands in %q", err)
	}
	write(t, file, "right-S3cret\r\n")
	if _, err := link.Put(t.Context(), manifest, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Link(t, func(m *transport.MQTTConfig, _ *transport.Identity) { m.User, m.PasswordFile = "pos-1", file }).Put(t.Context(), manifest, []byte(`{}`)); err == nil || errors.Is(err, transport.ErrDenied) {
		t.Errorf("without its file: %v", err)
	}
}

// Whoever listens for the bell is told too, and goes on for ever.
func TestADoorbellIsDeniedAndTriesAgain(t *testing.T) {
	b := transporttest.NewBroker(t, transporttest.Now())
	b.Demand("pos-1", "right")
	m, id := transport.MQTTConfig{URL: b.URL}, b.Identity(t, transporttest.Terminal)
	signsIn(t, "wrong")(&m, &id)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tries, told, entered := 0, 0, false
	err := transport.Doorbell(ctx, transport.Config{}, m, id,
		transport.Backoff{Nap: func(ctx context.Context, _ time.Duration) error {
			if tries++; tries == 3 {
				write(t, m.PasswordFile, "right")
			}
			return nil
		}}, cancel, func(err error) {
			if err == nil { // before the pause, of minutes, after which the bell counts as heard
				entered = tries == 3
				return
			}
			if told++; !errors.Is(err, transport.ErrDenied) {
				t.Errorf("told %v", err)
			}
		})
	if !entered {
		t.Error("nobody was told that the broker lets it in")
	}
	if told != 3 || ctx.Err() != context.Canceled {
		t.Errorf("told %d times, %v", told, err)
	}
}

// A link is not made that would show a password in clear to another machine, or one
// that belongs to nobody.
func TestAPasswordIsNotShownInClear(t *testing.T) {
	desk := transporttest.NewDesk(t, transporttest.Now())
	for name, c := range map[string]struct {
		m    transport.MQTTConfig
		want string
	}{
		"in clear":        {transport.MQTTConfig{URL: "mqtt://broker.example", User: "u", PasswordFile: "/f"}, "in clear"},
		"open in clear":   {transport.MQTTConfig{URL: "mqtts://broker.example", Open: "mqtt://10.0.0.1", User: "u", PasswordFile: "/f"}, "in clear"},
		"without a name":  {transport.MQTTConfig{URL: "mqtts://broker.example", PasswordFile: "/f"}, "no user name"},
		"a name of lines": {transport.MQTTConfig{URL: "mqtts://broker.example", User: "u\nv"}, "control characters"},
		"over TLS":        {transport.MQTTConfig{URL: "mqtts://broker.example", User: "u", PasswordFile: "/f"}, ""},
		"a name alone":    {transport.MQTTConfig{URL: "mqtt://broker.example", User: "u"}, ""},
		// A resolver of the settings may say where that is.
		"by a name":       {transport.MQTTConfig{URL: "mqtt://localhost", User: "u", PasswordFile: "/f"}, "in clear"},
		"to this machine": {transport.MQTTConfig{URL: "mqtt://127.0.0.1", Open: "mqtt://[::1]", User: "u", PasswordFile: "/f"}, ""},
	} {
		link, err := transport.NewMQTT(transport.Config{URL: desk.URL}, c.m, desk.Identity(t, transporttest.Terminal))
		said := c.m.Validate()
		if c.want == "" && (err != nil || said != nil) {
			t.Errorf("%s: %v, %v", name, err, said)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || said == nil || !strings.Contains(said.Error(), c.want)) {
			t.Errorf("%s: %v, %v", name, err, said)
		}
		if err == nil {
			_ = link.Close() // nothing was dialled
		}
	}
}
