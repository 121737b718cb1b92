package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"unbindd/transport"
)

// pullsOnce is a link that tells of the first question and leaves every one open.
type pullsOnce struct {
	transport.Link
	pulled chan struct{}
}

func (l pullsOnce) Name() string { return "https" }

func (l pullsOnce) Pull(ctx context.Context, _ string, _ time.Duration) ([]byte, string, error) {
	select {
	case l.pulled <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return nil, "", ctx.Err()
}

// A link that cannot be made is told of in the status and made later: the desk is asked
// all the same, without a restart.
func TestALinkThatCannotBeMadeIsMadeLater(t *testing.T) {
	b := newBound(t)
	b.a.Link.RetryMin, b.a.Link.RetryMax = time.Millisecond, 10*time.Millisecond
	link, tries := pullsOnce{pulled: make(chan struct{}, 1)}, 0
	b.a.ways = func(route, transport.Identity) (transport.Link, error) {
		if tries++; tries < 4 {
			return nil, errors.New("the way is not known")
		}
		if l := b.a.show.link(); l.State != "down" || l.Error != "the link cannot be made: the way is not known" {
			t.Errorf("the status says %+v", l)
		}
		return link, nil
	}
	close(b.a.timed)
	ctx, end := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { defer close(over); b.a.poll(ctx) }()
	defer func() { end(); <-over }()
	select {
	case <-link.pulled:
	case <-over:
		t.Fatal("nobody asks the desk any more")
	case <-time.After(30 * time.Second):
		t.Fatal("the desk was not asked")
	}
}
