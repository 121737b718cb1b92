package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"unbindd/agent/certificate"
	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/profile"
	"unbindd/transport"
	"unbindd/wipe"
)

// A broker's password is erased where a folder of erase.roots holds it, through links, and
// stays where none does; the certificate and the plan say which.
func TestThePasswordGoesWhereARootHoldsIt(t *testing.T) {
	a, state := newCopies(t)
	a.at = places{state}
	root, elsewhere := t.TempDir(), t.TempDir()
	a.Config.Erase.Roots = []string{root}
	link := filepath.Join(elsewhere, "link")
	if err := os.Symlink(filepath.Join(root, "linked"), link); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set, file, destroy string
		goes               bool
	}{
		"below a root":  {set: filepath.Join(root, "sub", "pw"), destroy: "tombstone", goes: true},
		"by a link":     {set: link, file: filepath.Join(root, "linked"), destroy: "tombstone", goes: true},
		"below no root": {set: filepath.Join(elsewhere, "pw"), destroy: "by whoever installed it, no folder of erase.roots holds it"},
	} {
		file := c.file
		if file == "" {
			file = c.set
		}
		put(t, file)
		a.MQTT = transport.MQTTConfig{URL: "mqtts://broker.example", User: "u", PasswordFile: c.set}
		left, kept := a.passwordLeft(), a.passwordKept()
		if len(left) != 1 || left[0].Name != passwordName || left[0].Destroy != c.destroy || len(kept) != 1 || strings.HasPrefix(kept[0].Why, "until") != c.goes {
			t.Errorf("%s: %v, %v", name, left, kept)
		}
		for range 2 { // a cut may have it done again
			if err := a.erasePassword(); err != nil || exists(file) == c.goes {
				t.Errorf("%s: there %v, %v", name, exists(file), err)
			}
		}
		if left := a.passwordLeft(); c.goes && left != nil {
			t.Errorf("%s: %v is left of nothing", name, left)
		}
	}
	a.MQTT = transport.MQTTConfig{PasswordFile: link}
	if a.passwordLeft() != nil || a.passwordKept() != nil || a.erasePassword() != nil {
		t.Error("without a broker there is a password")
	}
}

// The journal is buried after it: while it cannot be erased both stay, and the next start
// tries again.
func TestTheJournalWaitsForThePasswordsEnd(t *testing.T) {
	a, state := newCopies(t)
	a.at, a.journal = places{state}, nil
	root := t.TempDir()
	a.Config.Erase.Roots = []string{root}
	folder := filepath.Join(root, "pw")
	put(t, filepath.Join(folder, "in"))
	a.MQTT = transport.MQTTConfig{URL: "mqtts://broker.example", User: "u", PasswordFile: filepath.Join(folder, "in")}
	a.Sys = foreign{at: "pw"}
	if err := a.bury(); err == nil || !exists(filepath.Join(folder, "in")) || !exists(a.at.journal()) || exists(a.at.buryMark()) {
		t.Errorf("while it cannot be erased: %v", err)
	}
	a.Sys = wipe.Kernel{}
	if err := a.bury(); err != nil || exists(filepath.Join(folder, "in")) || exists(a.at.journal()) || exists(a.at.buryMark()) {
		t.Errorf("%v", err)
	}
}

// While a broker carries everything, no profile may take its password away before the
// certificate is delivered.
func TestNoProfileTakesThePasswordOfAPipe(t *testing.T) {
	a, _ := newCopies(t)
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	put(t, filepath.Join(dir, "real", "pw"))
	if err := os.Symlink(filepath.Join(dir, "real", "pw"), link); err != nil {
		t.Fatal(err)
	}
	a.MQTT = transport.MQTTConfig{URL: "mqtts://broker.example", Use: transport.Pipe, User: "u", PasswordFile: link}
	for place, held := range map[string]bool{
		link: true, filepath.Join(dir, "*"): true, dir: true, filepath.Join(dir, "real"): true, filepath.Join(dir, "real", "p?"): true,
		filepath.Join(dir, "lin"): false, filepath.Join(dir, "real", "pw", "below"): false, filepath.Join(dir, "other"): false,
	} {
		if a.holdsPassword(place) != held {
			t.Errorf("%s holds it: %v", place, !held)
		}
		bell := a.MQTT
		bell.Use = transport.Bell
		if (&Agent{Parts: Parts{MQTT: bell}}).holdsPassword(place) {
			t.Error("a bell needs no password for the last word")
		}
	}
}

// A command by such a profile is refused before anything is touched, and one whose
// order could not erase the password at the end.
func TestAPipesPasswordIsNotInTheInventory(t *testing.T) {
	a, root, _ := erasing(t, "way/place")
	a.at = places{t.TempDir()}
	a.Config.Erase.Roots = []string{root}
	file := filepath.Join(root, "way/place/pw")
	put(t, file)
	p := profile.Profile{Inventory: []profile.Place{{Class: profile.Credentials, Path: filepath.Join(root, "way/place")}}}
	c := &command.Command{Level: command.Clear, Scope: []envelope.ID{profile.Credentials}}
	a.MQTT = transport.MQTTConfig{URL: "mqtts://broker.example", Use: transport.Bell, User: "u", PasswordFile: file}
	if detail, why := a.placesPolicy(p, c); detail != "" {
		t.Errorf("beside HTTPS: %q, %q", detail, why)
	}
	a.MQTT.Use = transport.Pipe
	if detail, why := a.placesPolicy(p, c); detail != "inventory" || !strings.Contains(why, "mqtt.password_file") {
		t.Errorf("over a broker alone: %q, %q", detail, why)
	}
	c.Scope = nil
	if detail, why := a.placesPolicy(p, c); detail != "" {
		t.Errorf("outside the scope: %q, %q", detail, why)
	}
	a.Sys = foreign{at: "place"}
	if detail, why := a.placesPolicy(p, c); detail != "inventory" || !strings.Contains(why, passwordName) {
		t.Errorf("one that cannot be erased: %q, %q", detail, why)
	}
}

// deniedLink is a link over a broker at the open door.
type deniedLink struct {
	transport.Link
	err error
}

func (deniedLink) Name() string { return "mqtt" }
func (deniedLink) Close() error { return nil }

func (l deniedLink) Reveal(context.Context, string, []byte) ([]byte, error) { return nil, l.err }

// The last word goes over a door of its own, and what the broker says there is told too.
func TestALastWordThatIsDeniedIsToldOf(t *testing.T) {
	a, _ := newCopies(t)
	for _, c := range []struct {
		err  error
		told bool
	}{{transport.ErrDenied, true}, {errors.New("the line is cut"), false}} {
		a.ways = func(route, transport.Identity) (transport.Link, error) { return deniedLink{err: c.err}, nil }
		if _, err := a.revealOver(t.Context(), route{}, certificate.Tombstone{}, nil); !errors.Is(err, c.err) || a.barred.Load() != c.told {
			t.Errorf("after %v: %v, told %v", c.err, err, a.barred.Load())
		}
	}
}

// A plan says of a password that cannot be read that it cannot.
func TestThePlanTellsOfAPasswordThatCannotBeRead(t *testing.T) {
	a, _ := newCopies(t)
	a.MQTT = transport.MQTTConfig{URL: "mqtts://broker.example", Use: transport.Pipe, User: "u", PasswordFile: filepath.Join(t.TempDir(), "pw")}
	if kept := a.passwordKept(); len(kept) != 1 || !strings.Contains(kept[0].Why, "cannot be read") {
		t.Errorf("without its file: %v", kept)
	}
	put(t, a.MQTT.PasswordFile)
	if kept := a.passwordKept(); len(kept) != 1 || strings.Contains(kept[0].Why, "cannot be read") {
		t.Errorf("with it: %v", kept)
	}
}

// A broker that lets this terminal in no more is a warning, until it is not so.
func TestADeniedTerminalIsToldOf(t *testing.T) {
	a, _ := newCopies(t)
	for _, c := range []struct {
		link string
		err  error
		told bool
	}{
		{"mqtt", fmt.Errorf("cannot connect to the broker: %w", transport.ErrDenied), true},
		{"https", nil, true}, // which says nothing of the broker
		{"mqtt", errors.New("the line is cut"), false},
		{"mqtt", transport.ErrDenied, true},
		{"mqtt", nil, false},
	} {
		a.linkIs(c.link, c.err)
		s, err := a.status()
		if err != nil || slices.Contains(s.Warnings, local.WarnBroker) != c.told {
			t.Errorf("after %s %v: %v, %v", c.link, c.err, s.Warnings, err)
		}
	}
}
