package transport_test

import (
	"testing"

	"unbindd/transport"
	"unbindd/transport/transporttest"
)

func TestHTTPSKeepsTheContract(t *testing.T) {
	transporttest.Run(t, func(t *testing.T) (transport.Link, transporttest.Peer) {
		desk := transporttest.NewDesk(t, transporttest.Now())
		link, err := transport.NewHTTPS(transport.Config{URL: desk.URL, Proxy: transport.Direct}, desk.Identity(t, transporttest.Terminal))
		if err != nil {
			t.Fatal(err)
		}
		return link, desk
	})
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
