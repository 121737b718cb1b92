package fleet

import (
	"context"
	"fmt"
	"net/http"
)

// preparing is how many terminals get ready at once.
const preparing = 64

// Enlist makes, admits and enrols so many terminals, named from a number on.
func (o *Office) Enlist(ctx context.Context, from, n int) (all []*Terminal, p Pace, err error) {
	anonymous := make(chan *Line, preparing) // they are kept and used again
	all = make([]*Terminal, n)
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	p, err = Crowd(ctx, preparing, places, func(i int) error {
		t, err := o.NewTerminal(fmt.Sprintf("T-%07d", from+i))
		if err != nil {
			return err
		}
		all[i] = t
		if err := t.Admit(ctx); err != nil {
			return err
		}
		var over *Line
		select {
		case over = <-anonymous:
		default:
			if over, err = o.Dial(ctx); err != nil {
				return err
			}
		}
		defer func() { anonymous <- over }()
		return t.Enrol(over)
	})
	for close(anonymous); len(anonymous) > 0; {
		(<-anonymous).Close()
	}
	return all, p, err
}

// Order has a command drafted, signed by three people and published for each, and
// the certificate made that answers it.
func (o *Office) Order(ctx context.Context, all []*Terminal) (Pace, error) {
	return Crowd(ctx, preparing, all, func(t *Terminal) error {
		if err := t.Draft(ctx); err != nil {
			return err
		}
		if err := t.Publish(ctx); err != nil {
			return err
		}
		return t.Certify()
	})
}

// Connect shakes hands for each, and has it ask once for its orders: a desk closes
// a connection on which nothing was asked for ten seconds.
func (o *Office) Connect(ctx context.Context, all []*Terminal, workers int) (Pace, error) {
	return Crowd(ctx, workers, all, func(t *Terminal) error {
		if err := t.Connect(ctx); err != nil {
			return err
		}
		_, err := t.Line.Ask(http.MethodGet, t.orders(), nil, nil)
		return err
	})
}

// HangUp ends every connection.
func HangUp(all []*Terminal) {
	for _, t := range all {
		if t != nil {
			t.Line.Close()
			t.beside.Close()
		}
	}
}
