package serve

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Refusal is how every error goes out: code, what happened, what to do.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Next    string `json:"next"`
}

// internalCode stands where the desk itself failed; it is no code of the table.
const internalCode = "internal"

var statuses = []struct {
	kind   error
	status int
}{
	{desk.ErrMalformed, http.StatusBadRequest},
	{desk.ErrForeign, http.StatusForbidden},
	{desk.ErrAbsent, http.StatusNotFound},
	{desk.ErrBroken, http.StatusRequestTimeout},
	{desk.ErrConflict, http.StatusConflict},
	{desk.ErrGone, http.StatusGone},
	{desk.ErrBusy, http.StatusLocked},
	{desk.ErrUnsure, http.StatusServiceUnavailable},
	{desk.ErrFull, http.StatusInsufficientStorage},
	{desk.ErrUnfit, http.StatusUnprocessableEntity},
}

// statusOf is the HTTP status of an error; 500 is the desk's own failure.
func statusOf(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	var own *answered
	if errors.As(err, &own) {
		return own.status
	}
	if errors.Is(err, syscall.ENOSPC) && !errors.Is(err, store.ErrUnknown) {
		return http.StatusInsufficientStorage
	}
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// tell writes an error to the client. What the client did wrong is told to it in
// full and logged by its code; what the desk did wrong is logged and not told.
func (s *Server) tell(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	if status == http.StatusInsufficientStorage {
		w.Header().Set("Retry-After", strconv.Itoa(int(roomAgain/time.Second)))
	}
	out := Refusal{Code: internalCode, Message: "the desk could not do it", Next: "Try again; if it stays, read the desk's log."}
	switch {
	case status == http.StatusInternalServerError:
		s.Log.Error().Err(err).Msg("request failed")
	case errors.Is(err, syscall.ENOSPC): // of a file; a commit that found none ends the desk
		s.Log.Error().Err(err).Msg("the disk is full")
		out = explain(envelope.Refuse("E27", "space", "cannot keep it: the desk's disk is full"))
	case errors.Is(err, errCrowded):
		out.Message, out.Next = errCrowded.Error(), "Try again in a moment."
	case status == http.StatusRequestEntityTooLarge:
		out = explain(envelope.Refuse("E01", "bytes", "cannot read the request: it is larger than it may be"))
		out.Next = steps[tooLarge][envelope.English]

	default:
		var told *envelope.Refusal
		if errors.As(err, &told) {
			out = explain(told)
		}
	}
	// What is not there yet is asked for again and again, and is no refusal.
	if status != http.StatusInternalServerError && status != http.StatusNotFound {
		s.Log.Info().Str("code", out.Code).Int("status", status).Str("route", r.Pattern).Str("client", clientOf(r)).Msg("refused")
	}
	reply(w, status, out)
}

// clientOf is the name in the certificate that a client showed, which the CA gave it.
func clientOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	return r.TLS.PeerCertificates[0].Subject.CommonName
}

func explain(r *envelope.Refusal) Refusal {
	out := Refusal{Code: r.Full(), Message: r.Why()}
	if next := NextStep(r.Full(), envelope.English); next != "" {
		out.Next = next
	} else if m, ok := envelope.MeaningAt(envelope.AtDesk, r.Full()); ok {
		out.Next = m.Next(envelope.English)
	}
	return out
}

// reply writes a JSON value. A client that is gone is no failure of the desk.
func reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	sum := sha256.Sum256(body)
	w.Header().Set("Content-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client is gone: it will ask again
}
