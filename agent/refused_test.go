package agent

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/local"
	"unbindd/agent/profile"
)

// The status names the last order that was refused, with what to do, until a command
// is accepted; a repetition moves only the time.
func TestStatusNamesTheLastRefusal(t *testing.T) {
	b := newBound(t)
	clock := time.Unix(1_800_000_000, 0)
	b.a.Now = func() time.Time { return clock }
	if s, err := b.a.status(); err != nil || s.Refused != nil || s.Link.State != "untried" {
		t.Fatalf("before anything happened: %+v, %+v, %v", s.Refused, s.Link, err)
	}
	c, err := b.a.newChallenge()
	b.no(err)
	b.order.Challenge = envelope.ID(c.Challenge)
	unsigned := b.seal(command.Kind, b.order)
	for range 2 {
		clock = clock.Add(time.Minute)
		b.a.take(unsigned.Encode())
		s, err := b.a.status()
		b.no(err)
		r := s.Refused
		if r == nil || r.Kind != "command" || r.Why.Code != "E04:unsigned" || r.Digest != string(unsigned.Digest()) || r.At != clock.UnixMilli() ||
			!strings.Contains(r.Why.Message, "no signature") || !strings.Contains(r.Why.Next, "unbind-desk sign") {
			t.Errorf("the status says %+v", r)
		}
	}
	if got := outcomes(b.a.take(b.seal(command.Kind, b.order, "ops-1", "sec-1").Encode())); got != "command accepted" {
		t.Fatal(got)
	}
	if s, err := b.a.status(); err != nil || s.Refused != nil {
		t.Errorf("after a command was accepted: %+v, %v", s.Refused, err)
	}
}

// A terminal that is bound to nobody has no link to be tried.
func TestAnUnboundTerminalHasNoLink(t *testing.T) {
	a := New(Parts{Config: Config{StateDir: t.TempDir()}})
	a.show.setMode(local.Unenrolled)
	if s, err := a.status(); err != nil || s.Link.State != "idle" {
		t.Errorf("%+v, %v", s.Link, err)
	}
}

// A place that no folder of the settings holds is named, with the folder that would,
// before anybody orders anything; but nobody is told to open a folder of the system.
func TestPlacesOutsideTheRootsAreNamed(t *testing.T) {
	b := newBound(t)
	id := b.a.identity()
	p, err := profile.Open(id.stored[0], id.trust)
	b.no(err)
	p.Scope = append([]envelope.ID{profile.AppData}, p.Scope...)
	for _, path := range []string{"/var/lib/pos", "/srv/in/pos", "/home/*/pos-*/x", "/pos", "/opt/pos/app"} {
		p.Inventory = append(p.Inventory, profile.Place{Class: profile.AppData, Path: path})
	}
	e := b.seal(profile.Kind, p, "ops-1", "sec-1")
	trusted := b.seal("trust", b.bundle(1, e.Digest()), "root-1", "root-2", "root-3")
	var way route
	b.no(readJSON(b.a.at.route(), &way))
	way.Anchor = trusted.Digest()
	text, err := json.Marshal(way)
	b.no(err)
	b.no(writeFile(b.a.at.route(), text))
	b.no(writeFile(b.a.at.bundles(), encodeAll([]*envelope.Envelope{trusted})))
	b.no(writeFile(b.a.at.profiles(), encodeAll([]*envelope.Envelope{e})))
	c := b.a.Config
	c.Erase.Roots = []string{"/srv/in"}
	got, err := OutsideRoots(c)
	b.no(err)
	want := []Outside{
		{"rebind-standard", 1, profile.AppData, "/var/lib/pos", "/var/lib"},
		{"rebind-standard", 3, profile.AppData, "/home/*/pos-*/x", "/home"},
		{"rebind-standard", 4, profile.AppData, "/pos", ""},
		{"rebind-standard", 5, profile.AppData, "/opt/pos/app", "/opt/pos"},
	}
	if len(got) != len(want) {
		t.Fatalf("they are %v", got)
	}
	for i, o := range got {
		if o != want[i] || !strings.Contains(o.String(), o.Path) || !strings.Contains(o.String(), "erase.roots") {
			t.Errorf("%d is %+v, want %+v", i, o, want[i])
		}
	}
	for i, mend := range []string{
		"no root should hold all of /var/lib; have the profile changed, or the data moved into a folder of its own",
		"no root should hold all of /home; have the profile changed, or the data moved into a folder of its own",
		"no setting allows that; have the profile changed",
		"add /opt/pos to erase.roots, which opens everything below it to every signed profile, or have the profile changed",
	} {
		if said := got[i].String(); !strings.HasSuffix(said, ": "+mend) {
			t.Errorf("%d is told as %q", i, said)
		}
	}
	if all, err := OutsideRoots(Config{StateDir: filepath.Join(t.TempDir(), "none")}); err != nil || len(all) > 0 {
		t.Errorf("where nothing is bound: %v, %v", all, err)
	}
}
