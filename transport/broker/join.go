package broker

import (
	"context"
	"time"
)

// Steady is how long a connection holds before a loss is one of its own and not
// the next of a row.
const Steady = 5 * time.Minute

// try is one attempt to connect, which everybody waits for who needs it.
type try struct {
	done chan struct{}
	conn *Conn
	err  error
}

// connected brings the connection, or waits for the one attempt to make it. Nobody
// waits with the lock held, nor past its own time.
func (p *Pipe) connected(ctx context.Context) (*Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if p.conn != nil && p.conn.client.IsConnectionOpen() {
		defer p.mu.Unlock()
		return p.conn, nil
	}
	if p.bells == nil {
		p.bells, p.waiting, p.parts = make(chan struct{}, 1), map[string]*asked{}, newAssembly(answersMost)
		p.life, p.end = context.WithCancel(context.Background())
	}
	t := p.trying
	if t == nil {
		t = &try{done: make(chan struct{})}
		p.trying, p.conn = t, nil
		go p.connect(t)
	}
	p.mu.Unlock()
	select {
	case <-t.done:
		return t.conn, t.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.life.Done():
		return nil, ErrClosed
	}
}

// connect makes the connection and gives it to all who wait. Dial and every
// subscription have an end of their own.
func (p *Pipe) connect(t *try) {
	conn, err := p.join()
	p.mu.Lock()
	if err == nil && p.closed {
		err = ErrClosed
		conn.Close()
	}
	if err == nil {
		p.conn, t.conn = conn, conn
		go p.watch(conn, time.Now())
	}
	t.err, p.trying = err, nil
	p.mu.Unlock()
	close(t.done)
}

func (p *Pipe) join() (*Conn, error) {
	conn, err := Dial(p.life, p.Route)
	if err != nil {
		return nil, err
	}
	err = conn.Subscribe(p.life, p.topic(downEnd), p.down)
	if err == nil && !p.Open {
		err = conn.Subscribe(p.life, p.topic(bellEnd), func(string, []byte) { p.rung() })
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func (p *Pipe) rung() {
	ring(p.bells)
	if p.Rung != nil {
		p.Rung()
	}
}

// watch has the desk asked again after a loss, for a bell that nobody heard. The
// fleet of a broker that comes and goes does not come back at one moment.
func (p *Pipe) watch(conn *Conn, since time.Time) {
	select {
	case <-conn.Lost():
	case <-p.life.Done():
		return
	}
	if p.Open || p.Rung == nil {
		return
	}
	p.mu.Lock()
	p.losses++
	if time.Since(since) >= Steady {
		p.losses = 1
	}
	losses := p.losses
	p.mu.Unlock()
	pause := time.Second
	if p.Spread != nil {
		pause = p.Spread(losses)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		p.Rung()
	case <-p.life.Done():
	}
}

// Bells rings when the doorbell does. It connects first, so that nobody waits for
// a bell that cannot ring.
func (p *Pipe) Bells(ctx context.Context) (bells <-chan struct{}, lost <-chan struct{}, err error) {
	conn, err := p.connected(ctx)
	if err != nil {
		return nil, nil, err
	}
	return p.bells, conn.Lost(), nil
}

// Closed is closed with the pipe; it may be asked for after Bells.
func (p *Pipe) Closed() <-chan struct{} { return p.life.Done() }

// Close ends the connection, whoever waits for an answer, and the pipe: what is
// asked of it later is refused.
func (p *Pipe) Close() {
	p.mu.Lock()
	conn := p.conn
	p.conn, p.closed = nil, true
	if p.end != nil {
		p.end()
	}
	p.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
}

func ring(bells chan struct{}) {
	select {
	case bells <- struct{}{}:
	default: // it rings already
	}
}
