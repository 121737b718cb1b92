package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// Limits of a form.
const (
	maxForm  = 64 << 10 // bytes, with the signed file in it
	formTime = 30 * time.Second
)

// formToken is what the forms of a session carry. Only who has the cookie can make
// it, and the cookie cannot be made from it.
func formToken(session string) string {
	if session == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(session))
	mac.Write([]byte("unbindd-console/form/1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ours lets a form pass that a page of this session made.
func (c *Console) ours(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, v *visit) error {
		if err := parseForm(w, r); err != nil {
			return err
		}
		if !hmac.Equal([]byte(r.PostForm.Get("form")), []byte(formToken(v.token))) {
			return refusal(desk.ErrForeign, "E10", "form", "cannot take the form: it was not made for this session")
		}
		return next(w, r, v)
	}
}

// parseForm reads a form within its bounds of size and time.
func parseForm(w http.ResponseWriter, r *http.Request) error {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(formTime)); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(maxForm)
	} else {
		err = r.ParseForm()
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return err
	case err != nil:
		return refusal(desk.ErrMalformed, "E02", "form", "cannot read the form: it is not whole")
	}
	return nil
}

// handed reads the file of a form.
func handed(r *http.Request, name string) ([]byte, error) {
	f, _, err := r.FormFile(name)
	if err != nil {
		return nil, refusal(desk.ErrMalformed, "E02", "file", "cannot read the file: none was chosen")
	}
	body, err := io.ReadAll(f)
	return body, errors.Join(err, f.Close())
}

// seen is the version of a case that a form was made from.
func seen(r *http.Request) (int64, error) {
	n, err := strconv.ParseInt(r.PostForm.Get("seen"), 10, 64)
	if err != nil || n < 0 {
		return 0, refusal(desk.ErrConflict, "E31", "unseen", "cannot change the case: the form names no version of it")
	}
	return n, nil
}

func refusal(kind error, code, detail, format string, args ...any) error {
	return errors.Join(kind, envelope.Refuse(code, detail, format, args...))
}
