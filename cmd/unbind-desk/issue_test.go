package main

import (
	"strings"
	"testing"
)

// What issue offers, what a shell completes and what it refuses are the same actions.
func TestIssueOffersWhatTerminalsCarryOut(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	help, _, _ := verb(t, "issue", "--help")
	completed, _, _ := verb(t, "__complete", "issue", "--action", "")
	for action, offered := range map[string]bool{"rebind": true, "retire": true, "replace": false, "quarantine": false} {
		_, said, exit := verb(t, "issue", "--dir", t.TempDir(), "--out", "x", "--terminal", "T", "--action", action, "--profile", "p", "--reason", "r")
		refused := exit == exitRefused && strings.Contains(said, "[E17:action]") && strings.Contains(said, "--action rebind where")
		if strings.Contains(help, action) != offered || strings.Contains(completed, action+"\n") != offered || refused == offered {
			t.Errorf("%s: refused %v, help and completion say:\n%s\n%s", action, refused, help, completed)
		}
	}
}

// Where the profile does not open any more because who signed it went, it is the profile
// that issue names, who it was, since when, and how it is signed anew; and that helps.
func TestIssueNamesTheProfileWhoseSignerWent(t *testing.T) {
	t.Setenv("UNBIND_DESK_LANG", "en")
	o := newOffice(t)
	newTerminal(o, "T-1")
	o.revoke("ops-1")
	_, said, exit := verb(t, append([]string{"issue", "--dir", string(o.dir), "--out", o.file("c.json")}, unbind("T-1")...)...)
	if exit != exitRefused || !strings.Contains(said, "[E17:profile-signer]") {
		t.Fatalf("exit %d, %s", exit, said)
	}
	says(t, said, "profile rebind-standard: ops-1 (operations) signed it with key ed25519:", "trust version 2 revoked on 20", "unbind-desk sign --key KEY.pem DIR/profiles/NAME.json")
	path := string(o.dir) + "/profiles/rebind-standard.json"
	o.cli("sign", "--key", o.dir.Key("ops-2"), path)
	o.cli("publish", "--dir", string(o.dir), path)
	o.order(unbind("T-1"), "ops-2", "sec-1")
}
