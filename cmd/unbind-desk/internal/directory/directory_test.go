package directory

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"unbindd/agent/envelope"
	"unbindd/agent/profile"
	"unbindd/agent/trust"
)

func TestFoundedTrustIsBelieved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk")
	now := time.Unix(1790000000, 0)
	f := Founding{Name: "desk-1", Now: now, Random: rand.Reader, Inventory: []profile.Place{{Class: profile.Logs, Path: "/var/log/pay/*.log"}}}
	made, err := Found(path, f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(Dir(path).Trust())
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := ParseArray(text)
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := Dir(path).ReadAnchor()
	if err != nil || anchor != made.Anchor {
		t.Fatalf("the anchor is %s, %v", anchor, err)
	}
	believed, err := trust.Chain(anchor, bundles)
	if err != nil {
		t.Fatal(err)
	}
	if believed.Expires != now.AddDate(2, 0, 0).Unix() || len(believed.Keys) != len(holders) || len(believed.Profiles) != 2 {
		t.Fatalf("the bundle is %+v", believed.Bundle)
	}
	seen := map[envelope.ID]bool{}
	for _, key := range believed.Keys {
		if seen[key.Holder] {
			t.Errorf("holder %s has two keys", key.Holder)
		}
		seen[key.Holder] = true
	}
	if _, err := Found(path, f); !errors.Is(err, ErrExists) {
		t.Fatalf("a directory was founded over another: %v", err)
	}
}

// What cannot be founded leaves nothing behind.
func TestFoundingIsWholeOrNothing(t *testing.T) {
	parent := t.TempDir()
	f := Founding{Name: "desk-1", Now: time.Now(), Random: rand.Reader, Inventory: []profile.Place{{Class: "games", Path: "/x"}}}
	if _, err := Found(filepath.Join(parent, "desk"), f); envelope.CodeOf(err) != "E17:profile" {
		t.Fatalf("an inventory outside the scope: %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 0 {
		t.Fatalf("%d things are left behind: %v", len(left), err)
	}
}

func TestReadmeNamesEveryPlace(t *testing.T) {
	for _, h := range holders {
		if !strings.Contains(readme, h.name) {
			t.Errorf("the README does not name %s", h.name)
		}
	}
}

func FuzzParseArray(f *testing.F) {
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"payload":"","payloadType":"x","signatures":[]}]`))
	f.Add([]byte(`[1,{"payload":""}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		bundles, err := ParseArray(text)
		if err != nil {
			return
		}
		again, err := Array(bundles)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseArray(again); err != nil || len(back) != len(bundles) {
			t.Fatalf("%d envelopes come back as %d: %v", len(bundles), len(back), err)
		}
	})
}
