package transport

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// longestRetryAfter bounds how long a desk may silence a terminal with one
// answer: a slip of the desk must not take a fleet away for a year.
const longestRetryAfter = 24 * time.Hour

// Status is an answer of the desk that is not the one hoped for.
type Status struct {
	Code       int           // HTTP status
	Err        string        // the desk's error code, "E16:rollback", or empty
	Message    string        // the desk's sentence for people, or empty
	RetryAfter time.Duration // how long the desk asks to wait; 0 if it does not say
}

// Error tells status and error code; the desk's sentence is quoted, because it
// is not ours.
func (s *Status) Error() string {
	text := "the desk answered " + strconv.Itoa(s.Code)
	if s.Err != "" {
		text += " " + s.Err
	}
	if s.Message != "" {
		text += fmt.Sprintf(" (%q)", s.Message)
	}
	return text
}

// Wait is how long to wait for what it says. Only the desk, which says it in its own
// form, may ask for more than most: a portal's wish must not take a terminal away.
func (s *Status) Wait(most time.Duration) time.Duration {
	if s.Err == "" {
		return min(s.RetryAfter, most)
	}
	return s.RetryAfter
}

// Permanent tells whether the other end says, in the desk's own form, that it will
// refuse the same bytes again; a portal's or a firewall's 403 does not. It is a reason to
// ask more rarely and to tell people, and none to give anything up: nobody signs it, and
// whoever holds the desk's TLS key can say it.
func (s *Status) Permanent() bool {
	if s.Err == "" {
		return false
	}
	switch s.Code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// Permanent tells whether err says of itself that the same bytes will be refused again.
func Permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

var codePattern = regexp.MustCompile(`^E[0-9]{2}(:[a-z0-9-]{1,40})?$`)

// newStatus reads what a refusal carries. A body that is not the agreed form
// is no second error: the status alone says enough.
func newStatus(code int, header http.Header, body []byte) *Status {
	s := &Status{Code: code, RetryAfter: retryAfter(header)}
	var told struct{ Code, Message string }
	if json.Unmarshal(body, &told) != nil {
		return s
	}
	if codePattern.MatchString(told.Code) {
		s.Err = told.Code
	}
	s.Message = told.Message[:min(len(told.Message), 200)]
	return s
}

// retryAfter reads both forms of the header (RFC 9110, 10.2.3). A date is
// taken relative to the desk's own Date, since the terminal's clock may be off.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetryAfter)
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(until.Sub(now), longestRetryAfter))
}
