package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// nameTimeout is how long one resolver may take for one name, before the next is asked.
const nameTimeout = 4 * time.Second

// names asks the resolvers of the settings, one after the other, until one knows the
// name. The one that knew the last name is asked first, so that a dead one costs its
// time once and not at every connection.
type names struct {
	resolvers []*net.Resolver
	good      atomic.Uint32 // index of the one that answered last
}

func newNames(servers []string) *names {
	n := &names{}
	for _, s := range servers {
		at := withPort(s, "53")
		n.resolvers = append(n.resolvers, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, at)
		}})
	}
	return n
}

// find returns the addresses of a name, in the order in which they are to be dialled.
func (n *names) find(ctx context.Context, host string) ([]string, error) {
	first := int(n.good.Load())
	var failures []error
	for i := range n.resolvers {
		at := (first + i) % len(n.resolvers)
		found, err := n.ask(ctx, at, host)
		if err == nil {
			n.good.Store(uint32(at))
			return found, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("cannot find %s: %w", host, errors.Join(failures...))
}

func (n *names) ask(ctx context.Context, at int, host string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, nameTimeout)
	defer cancel()
	return n.resolvers[at].LookupHost(ctx, host)
}
