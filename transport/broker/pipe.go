package broker

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Pipe is the terminal's end: it asks, and brings the desk's signed answer.
type Pipe struct {
	Route    Route
	Terminal string
	Open     bool     // shows no certificate: nothing is signed, and the topics are those below r/
	Speaker  *Speaker // who asks; nil on an open pipe
	// Believe decides whether a chain is the desk's. It is asked for every answer.
	Believe func(chain []*x509.Certificate, q Question) error
	Message int           // most bytes of one message
	Resend  time.Duration // after which a question without an answer is sent again

	// Rung, where it is set before the first question, is called for every bell, and
	// when a connection that could have rung was lost, after Spread.
	Rung   func()
	Spread func(failures int) time.Duration

	mu      sync.Mutex
	closed  bool
	conn    *Conn
	trying  *try
	life    context.Context // ends with Close
	end     context.CancelFunc
	losses  int // connections in a row that did not hold
	bells   chan struct{}
	waiting map[string]*asked
	parts   *assembly
}

// ErrClosed says that the pipe was closed.
var ErrClosed = errors.New("the link is closed")

// asked is a question that waits for its answer.
type asked struct {
	Question
	answers chan heard
	strange error // why a part was passed over, last
}

// heard is an answer as it came, not yet believed.
type heard struct {
	head head
	body []byte
}

// Ask asks and waits for the answer, which is the desk's or none. The question is
// sent again while there is none: the broker may lose it without a word, and the
// desk gives the same answer to the same question.
func (p *Pipe) Ask(ctx context.Context, q Question, known bool) (Answer, error) {
	id, err := newID()
	if err != nil {
		return Answer{}, err
	}
	text := q.said(p.Terminal, id)
	sent, err := p.pack(q, id, text, known)
	if err != nil {
		return Answer{}, err
	}
	conn, mine, err := p.listen(ctx, id, q)
	if err != nil {
		return Answer{}, err
	}
	defer p.deaf(id)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		a, done, err := p.hear(ctx, conn, mine, text, p.send(ctx, conn, sent))
		if done || err != nil {
			return a, err
		}
	}
}

// send publishes a question, and tells when all of it was taken or why not.
func (p *Pipe) send(ctx context.Context, conn *Conn, sent [][]byte) <-chan error {
	taken := make(chan error, 1)
	go func() {
		var err error
		for _, m := range sent {
			if err = conn.Publish(ctx, p.topic(upEnd), m); err != nil {
				break
			}
		}
		taken <- err
	}()
	return taken
}

// hear waits for an answer that is believed, whether or not the broker said a word
// of the question; the time until it is sent again begins when all of it was taken.
// Anything else may have been published by anybody and is passed over; why, is told
// if nothing better comes.
func (p *Pipe) hear(ctx context.Context, conn *Conn, mine *asked, text []byte, taken <-chan error) (Answer, bool, error) {
	var strange error
	var again <-chan time.Time
	for {
		select {
		case h := <-mine.answers:
			a, err := p.believe(h, mine.Question, text)
			if err == nil {
				return a, true, nil
			}
			strange = err
		case err := <-taken:
			if err != nil && ctx.Err() == nil {
				return Answer{}, false, errors.Join(err, strange, p.passedOver(mine))
			}
			t := time.NewTimer(max(p.Resend, time.Second))
			defer t.Stop()
			again = t.C
		case <-again:
			return Answer{}, false, nil
		case <-conn.Lost():
			return Answer{}, false, errors.Join(ErrLost, strange, p.passedOver(mine))
		case <-p.life.Done():
			return Answer{}, false, errors.Join(ErrClosed, strange, p.passedOver(mine))
		case <-ctx.Done():
			return Answer{}, false, errors.Join(fmt.Errorf("the desk does not answer: %w", context.Cause(ctx)), strange, p.passedOver(mine))
		}
	}
}

func (p *Pipe) believe(h heard, q Question, text []byte) (Answer, error) {
	a := Answer{Code: h.head.Code, Header: headerOf(h.head.Header), Body: h.body}
	chain, err := chainOf(h.head.Cert)
	if err == nil {
		err = p.Believe(chain, q)
	}
	if err == nil {
		err = verify(chain[0], a.said(text), h.head.Sig)
	}
	if err != nil {
		return a, fmt.Errorf("cannot believe an answer: %w", err)
	}
	return a, nil
}

func (p *Pipe) pack(q Question, id string, text []byte, known bool) ([][]byte, error) {
	if len(q.Body) > maxBody || tooLong(q.Path, lines(flat(q.Header))) {
		return nil, errors.New("cannot ask: the question is too long")
	}
	h := head{Header: flat(q.Header), ID: id, Method: q.Method, Path: q.Path}
	var own func(head, []byte) ([]byte, error)
	if known && p.Speaker != nil {
		sig, err := p.Speaker.sign(text)
		if err != nil {
			return nil, fmt.Errorf("cannot sign a question: %w", err)
		}
		h.Cert, h.Sig, own = p.Speaker.Chain, sig, p.Speaker.own(p.Terminal)
	}
	return messages(h, q.Body, p.Message, own)
}

func (p *Pipe) topic(end string) string { return root(p.Open) + escape.Replace(p.Terminal) + end }

// listen sees to a connection, and to a place for the answer.
func (p *Pipe) listen(ctx context.Context, id string, q Question) (*Conn, *asked, error) {
	conn, err := p.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := &asked{Question: q, answers: make(chan heard, 4)}
	p.waiting[id] = mine
	return conn, mine, nil
}

func (p *Pipe) deaf(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
	p.parts.mu.Lock()
	defer p.parts.mu.Unlock()
	p.parts.dropAll(id)
}

// down takes a message from the topic that answers come on.
func (p *Pipe) down(_ string, payload []byte) {
	h, piece, err := parse(payload)
	if err != nil {
		return // anybody may publish anything
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.waiting[h.ID]
	if mine == nil {
		return // an answer that came twice, or late
	}
	if err := p.partIs(h, piece, mine.Question); err != nil {
		mine.strange = err // anybody's; the desk's own parts have their places still
		return
	}
	body, whole := p.parts.add(h.ID, h, piece)
	if !whole {
		return
	}
	select {
	case mine.answers <- heard{h, append([]byte{}, body...)}:
	default: // more answers than anybody waits for
	}
}

// partIs checks the signature of one of several parts before it is kept: a part
// of anybody's beside the desk's would spoil the whole. Of a whole answer the
// question itself is the check.
func (p *Pipe) partIs(h head, piece []byte, q Question) error {
	if h.Parts == 1 {
		return nil
	}
	chain, err := chainOf(h.Cert)
	if err == nil {
		err = p.Believe(chain, q)
	}
	if err == nil {
		err = verify(chain[0], h.partSaid(p.Terminal, piece), h.Own)
	}
	if err != nil {
		return fmt.Errorf("cannot believe a part of an answer: %w", err)
	}
	return nil
}

func (p *Pipe) passedOver(mine *asked) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return mine.strange
}
