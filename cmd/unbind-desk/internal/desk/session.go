package desk

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"

	"unbindd/cmd/unbind-desk/internal/store"
)

// How long a way into the console is good, in seconds: a link until it is used,
// what it was exchanged for until the shift is over.
const (
	linkTime    = 10 * 60
	sessionTime = 8 * 60 * 60
)

// tokenSize is how many random bytes a token has.
const tokenSize = 32

// Invite makes a token that lets whoever has it into the console, once. It is for
// who can open the desk's socket, and so may do everything an operator may. What
// is over is taken away on the way.
func (d *Desk) Invite() (string, error) {
	link, err := d.token()
	if err != nil {
		return "", err
	}
	return link, d.change(func(tx *store.Tx) error {
		return errors.Join(d.sweepSessions(tx), tx.AddSession(store.Session{Name: sessionName(link), Link: true, Until: d.now() + linkTime}))
	})
}

func (d *Desk) token() (string, error) {
	drawn, err := d.random(tokenSize)
	return base64.RawURLEncoding.EncodeToString(drawn), err
}

func (d *Desk) sweepSessions(tx *store.Tx) error {
	var over []string
	err := tx.Sessions(func(s store.Session) error {
		if d.over(s) {
			over = append(over, s.Name)
		}
		return nil
	})
	for _, name := range over {
		err = errors.Join(err, tx.RemoveSession(name))
	}
	return err
}

// over is of a session whose time has come, and of one that is twice as long as any is given:
// the clock that it was made by has been set back since.
func (d *Desk) over(s store.Session) bool {
	return s.Until <= d.now() || s.Until > d.now()+2*sessionTime
}

// sessionName is what the store knows a token by.
func sessionName(token string) string {
	sum := sha256.Sum256([]byte("unbindd-console/1 " + token))
	return hex.EncodeToString(sum[:])
}

// Enter exchanges the token of a link for that of a session. The link is gone in
// the same transaction, so of two who have it one comes in.
func (d *Desk) Enter(link string) (token string, err error) {
	if token, err = d.token(); err != nil {
		return "", err
	}
	err = d.commit("enter", func(tx *store.Tx) error {
		if err := d.admits(tx, link, true); err != nil {
			return err
		}
		return errors.Join(
			tx.RemoveSession(sessionName(link)),
			tx.AddSession(store.Session{Name: sessionName(token), Until: d.now() + sessionTime}),
		)
	})
	return token, err
}

// Admits refuses a token that opens no session, or no more.
func (d *Desk) Admits(token string) error {
	return d.look(func(tx *store.Tx) error { return d.admits(tx, token, false) })
}

func (d *Desk) admits(tx *store.Tx, token string, link bool) error {
	s, err := tx.Session(sessionName(token))
	if err != nil && !errors.Is(err, store.ErrAbsent) {
		return err
	}
	if err != nil || s.Link != link || d.over(s) {
		return refuse(ErrForeign, "E10", "session", "cannot open the console: the link was used before or is over, or so is the session")
	}
	return nil
}

// Leave ends a session.
func (d *Desk) Leave(token string) error {
	return d.change(func(tx *store.Tx) error { return tx.RemoveSession(sessionName(token)) })
}
