package serve

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/transport/broker"
)

// ringTime bounds one ring: nobody waits for it.
const ringTime = 10 * time.Second

// deniedMost is the longest pause before a broker that lets nobody in is tried again.
const deniedMost = 2 * time.Minute

// Broker says how the desk's end of a broker is reached.
type Broker struct {
	URL     string        // mqtts://host[:port] or mqtt://host[:port]
	TLS     *tls.Config   // for mqtts
	Login   broker.Login  // what it knows the desk by, besides its certificate
	Message int           // most bytes of one message
	Again   time.Duration // between two tries to reach it
}

// MQTT prepares to answer over a broker what the HTTPS door answers, and to ring
// terminals whose orders changed. What is shown on HTTPS signs the answers here.
// Call it before Run; what it returns serves until ctx ends and never gives up: a
// broker that is gone is waited for, and ready is called whenever it is there.
func (s *Server) MQTT(b Broker, shown tls.Certificate) (func(ctx context.Context, ready func()), error) {
	key, ok := shown.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("cannot serve a broker: the desk's key does not sign")
	}
	if _, _, _, err := broker.Check(b.URL); err != nil {
		return nil, err
	}
	if err := b.Login.Check(b.URL); err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(s.Desk.CA.Certificate)
	pipe := &broker.Desk{
		Route:   broker.Route{URL: b.URL, TLS: b.TLS, Login: b.Login, Most: 4 << 20},
		Speaker: broker.Speaker{Chain: shown.Certificate, Key: key},
		Clients: clients, Handler: s.Terminals(), Message: b.Message, Now: s.Desk.Now,
		Told: func(topic string, err error) { s.Log.Warn().Str("topic", topic).Err(err).Msg("question dropped") },
	}
	s.Desk.Rung = func(terminal envelope.ID) { go s.ring(pipe, terminal) }
	return func(ctx context.Context, ready func()) {
		for denials := 0; ctx.Err() == nil; {
			err := pipe.Serve(ctx, ready)
			if ctx.Err() == nil {
				s.Log.Warn().Err(err).Msg("the broker is lost")
			}
			if denials++; !errors.Is(err, broker.ErrDenied) {
				denials = 0
			}
			select {
			case <-ctx.Done():
			case <-time.After(b.pause(denials)):
			}
		}
	}, nil
}

// pause is how long to wait after so many refusals of the broker in a row: many a broker
// shuts out for long who comes back with a wrong password every few seconds.
func (b Broker) pause(denials int) time.Duration {
	return max(b.Again, min(b.Again<<min(denials, 10), deniedMost))
}

// ring rings a terminal's bell. One that is not heard costs the terminal its
// polling interval and nothing else.
func (s *Server) ring(pipe *broker.Desk, terminal envelope.ID) {
	ctx, cancel := context.WithTimeout(context.Background(), ringTime)
	defer cancel()
	o, err := s.Desk.Orders(string(terminal), desk.Caller{Terminal: terminal})
	if err == nil {
		err = pipe.Ring(ctx, string(terminal), o.Tag)
	}
	if err != nil {
		s.Log.Info().Err(err).Msg("a bell was not rung")
	}
}
