package serve

import (
	"context"
	"net/http"

	"unbindd/cmd/unbind-desk/internal/desk"
)

func (s *Server) steps(w http.ResponseWriter, _ *http.Request) error {
	steps, err := s.Desk.Steps()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, steps)
	return nil
}

// Steps reads every version of trust, and the profiles that the newest names.
func (o *Operator) Steps(ctx context.Context) (desk.Steps, error) {
	var s desk.Steps
	return s, o.ask(ctx, http.MethodGet, "/desk/trust", nil, &s)
}
