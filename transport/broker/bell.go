package broker

import "context"

// Listen rings for as long as the connection holds. What the bell carries is not
// read: it is nobody's word, and means "pull now" whatever it says. ready is called
// once it can be heard; it may have rung before.
func Listen(ctx context.Context, r Route, terminal string, ready, rung func()) error {
	conn, err := Dial(ctx, r)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.Subscribe(ctx, BellTopic(terminal), func(string, []byte) { rung() }); err != nil {
		return err
	}
	ready()
	select {
	case <-conn.Lost():
		return ErrLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
