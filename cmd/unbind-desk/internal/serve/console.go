package serve

import (
	"context"
	"errors"
	"net"
	"net/http"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// Console is the third door: pages for operators. It is served beside the other
// two and knows more of HTTP than they do; here it only has its place.
type Console struct {
	Handler http.Handler
	URL     string // how a browser on this machine reaches it
}

// Invitation is a link that lets one browser into the console, once.
type Invitation struct {
	URL string `json:"url"`
}

// invite makes a link for who has the socket.
func (s *Server) invite(w http.ResponseWriter, _ *http.Request) error {
	if s.Console == nil {
		return errors.Join(desk.ErrAbsent, envelope.Refuse("E28", "console", "cannot open the console: this desk serves none, it was started with --console off"))
	}
	link, err := s.Desk.Invite()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, Invitation{URL: s.Console.URL + "/enter?link=" + link})
	return nil
}

// Invite asks for a link into the console.
func (o *Operator) Invite(ctx context.Context) (string, error) {
	var i Invitation
	err := o.ask(ctx, http.MethodPost, "/desk/console", nil, &i)
	return i.URL, err
}

// StatusOf is the HTTP status of an error of the desk.
func StatusOf(err error) int { return statusOf(err) }

// pages makes the server of the console, which serves nothing where there is none.
// When ctx ends, so do the live pages, which would else keep the desk from ending.
func (s *Server) pages(ctx context.Context) *http.Server {
	h := s.harden(&http.Server{})
	if s.Console != nil {
		h.Handler = s.Console.Handler
	}
	h.BaseContext = func(net.Listener) context.Context { return ctx }
	return h
}
