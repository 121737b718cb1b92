package transport

import (
	"context"
	"fmt"
	"net/http"
)

// Enrol posts an enrolment request and brings the desk's answer. The terminal
// has no client certificate yet and may have no CA either: then the pins of
// its enrolment ticket say which desk is the right one. The same bytes get the
// same answer, so a power cut in the middle costs nothing.
func Enrol(ctx context.Context, c Config, id Identity, body []byte) ([]byte, error) {
	h, _, err := newAnonymous(c, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = h.Close() }() // it only ends idle connections and cannot fail
	a, err := h.ask(ctx, false, question{method: http.MethodPost, path: "/v1/enrol", body: body})
	if err != nil {
		return nil, fmt.Errorf("cannot enrol: %w", err)
	}
	return a.reply()
}
