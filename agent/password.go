package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"unbindd/agent/certificate"
	"unbindd/agent/local"
	"unbindd/transport"
	"unbindd/wipe"
)

// passwordName is what the plan, the certificate and the log call the file that holds
// the broker's password.
const passwordName = "broker-password"

// passwordTarget is that file, where links lead, if a folder of erase.roots holds it. It
// outlives the state directory's data because the last word of an unbinding may need it;
// the settings refuse one that lies there.
func (a *Agent) passwordTarget() (t wipe.Target, file string, ok bool) {
	file = a.MQTT.PasswordFile
	if a.MQTT.URL == "" || file == "" {
		return wipe.Target{}, "", false
	}
	if at, err := filepath.EvalSymlinks(file); err == nil {
		file = at
	}
	root, ok := a.rootOf(file)
	return wipe.Target{Name: passwordName, Kind: "key", Path: file, Root: root, Requested: wipe.LevelClear, Depth: a.depth()}, file, ok
}

// erasePassword erases it once the last word is said. One that may not be erased stays,
// as the certificate said; one that is gone already is no failure.
func (a *Agent) erasePassword() error {
	t, _, ok := a.passwordTarget()
	if !ok {
		return nil
	}
	ev := wipe.Erase(context.Background(), a.Sys, t, func(op string) { a.Moment("wipe/" + passwordName + ":" + op) })
	if ev.Verified != certificate.Pass {
		return fmt.Errorf("cannot erase the broker's password: %s", ev.Reason)
	}
	a.Log.Info().Str("target", passwordName).Msg("erased")
	return nil
}

// passwordLeft says of it what becomes of it after the certificate.
func (a *Agent) passwordLeft() []certificate.Left {
	_, file, ok := a.passwordTarget()
	if _, err := os.Stat(file); file == "" || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if ok {
		return []certificate.Left{{Name: passwordName, Destroy: "tombstone"}}
	}
	return []certificate.Left{{Name: passwordName, Destroy: "by whoever installed it, no folder of erase.roots holds it"}}
}

// passwordKept is the same for whoever looks at the plan.
func (a *Agent) passwordKept() []local.Kept {
	_, file, ok := a.passwordTarget()
	switch {
	case file == "":
		return nil
	case a.MQTT.Readable() != nil: // which is told at each connect, and why
		return []local.Kept{{Name: passwordName, Why: "the broker asks for it until the last word is said, and it cannot be read now: want a plain file of mode 0600 with the password in it"}}
	case ok:
		return []local.Kept{{Name: passwordName, Why: "until the desk has seen the preimage"}}
	}
	return []local.Kept{{Name: passwordName, Why: "for ever: no folder of erase.roots holds it; whoever installed it has to remove it"}}
}

// holdsPassword says whether a place of the inventory has the file in it although a
// broker carries everything: without it the certificate could not be delivered.
func (a *Agent) holdsPassword(place string) bool {
	_, file, _ := a.passwordTarget()
	if file == "" || a.MQTT.Use != transport.Pipe || a.apart() {
		return false
	}
	for _, at := range []string{a.MQTT.PasswordFile, file} {
		for ; at != "/" && at != "."; at = filepath.Dir(at) {
			if hit, err := filepath.Match(place, at); hit && err == nil {
				return true
			}
		}
	}
	return false
}

// errNeeded is why such a place is refused.
var errNeeded = errors.New("it holds mqtt.password_file, without which the broker carries no last word")

// denied shows whether the broker was reached and lets this terminal in no more.
func (a *Agent) denied(err error) {
	a.barred.Store(errors.Is(err, transport.ErrDenied))
}
