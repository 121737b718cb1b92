package transport_test

import (
	"testing"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func TestHTTPSKeepsTheContract(t *testing.T) {
	for name, sizes := range map[string]struct{ single, chunk int64 }{"one request": {8 << 20, 0}, "in pieces": {0, 100_000}} {
		t.Run(name, func(t *testing.T) {
			transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
				desk := transporttest.NewDesk(t, transporttest.Now())
				link, err := transport.NewHTTPS(transport.Config{
					URL: desk.URL, Proxy: transport.Direct, Single: sizes.single, Chunk: sizes.chunk,
				}, desk.Identity(t, transporttest.Terminal))
				if err != nil {
					t.Fatal(err)
				}
				return link, desk
			})
		})
	}
}

func TestCourierKeepsTheContract(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		folder := transporttest.NewFolder(t)
		link, err := transport.NewCourier(transport.CourierConfig{Path: folder.Path}, transporttest.Terminal)
		if err != nil {
			t.Fatal(err)
		}
		return link, folder
	})
}

func TestMQTTKeepsTheContract(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		b := transporttest.NewBroker(t, transporttest.Now())
		b.Demand("pos-1", "S3cret")
		return b.Link(t, signsIn(t, "S3cret\n")), b
	})
}
