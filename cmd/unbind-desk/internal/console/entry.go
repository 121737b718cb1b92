package console

import (
	"errors"
	"net/http"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// cookieName is the session's cookie. It has no Secure, for the console is plain
// HTTP on the loopback address: there is no wire.
const cookieName = "unbindd-console"

// visit is one request of somebody who was let in.
type visit struct {
	token string
	speech
}

// handler serves who was let in; an error goes out as a page.
type handler func(w http.ResponseWriter, r *http.Request, v *visit) error

// inside lets those in who have a session.
func (c *Console) inside(next handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{speech: c.speechFor(r)}
		err := error(errOutside)
		if cookie, missing := r.Cookie(cookieName); missing == nil {
			v.token = cookie.Value
			err = c.Desk.Admits(v.token)
		}
		switch {
		case errors.Is(err, errOutside), errors.Is(err, desk.ErrForeign):
			v.token = ""
			err = c.show(w, http.StatusForbidden, "outside", page{speech: v.speech, Title: "outside.title"})
		case err == nil:
			err = next(w, r, v)
		}
		if err != nil {
			c.refuse(w, r, v, err)
		}
	})
}

var errOutside = errors.New("there is no session")

// page begins a page for who is in.
func (v *visit) page(r *http.Request, title, here string) page {
	return page{
		speech: v.speech, Title: title, Here: here, Path: r.URL.RequestURI(), Form: formToken(v.token),
		Done: doneKey(r.URL.Query().Get("done")),
	}
}

// invited shows what a link leads to. Looking at it uses nothing up: programs that
// fetch links in advance would else have used them.
func (c *Console) invited(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s := c.speechFor(r)
	if lang := q.Get("lang"); spoken(lang) {
		s = c.speech(lang)
	}
	p := page{speech: s, Title: "enter.title", Inside: struct{ Link string }{q.Get("link")}}
	if err := c.show(w, http.StatusOK, "enter", p); err != nil {
		c.refuse(w, r, &visit{speech: s}, err)
	}
}

// enter exchanges a link for a session.
func (c *Console) enter(w http.ResponseWriter, r *http.Request) {
	v := &visit{speech: c.speechFor(r)}
	err := parseForm(w, r)
	if lang := r.PostForm.Get("lang"); err == nil && spoken(lang) {
		v.speech = c.speech(lang)
		setLanguage(w, lang)
	}
	token := ""
	if err == nil {
		token, err = c.Desk.Enter(r.PostForm.Get("link"))
	}
	if err != nil {
		c.refuse(w, r, v, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	c.Log.Info().Msg("somebody entered the console")
	http.Redirect(w, r, "/cases", http.StatusSeeOther)
}

// leave ends the session, here and at the desk.
func (c *Console) leave(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := c.Desk.Leave(v.token); err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return c.show(w, http.StatusOK, "outside", page{speech: v.speech, Title: "left.title"})
}
