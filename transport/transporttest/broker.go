package transporttest

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"unbindd/transport"
	"unbindd/transport/broker"
)

// Broker is an MQTT broker in this process, and the desk's end of the pipe at it.
type Broker struct {
	*Desk
	URL   string
	Taken atomic.Int64 // messages that the broker took

	silent  atomic.Bool
	demand  atomic.Pointer[[2]string] // user name and password
	server  *mqtt.Server
	pipe    *broker.Desk
	refuse  atomic.Pointer[func(topic string) bool]
	lose    atomic.Pointer[func(topic string, payload []byte) bool]
	instead atomic.Pointer[http.HandlerFunc]
}

// NewBroker starts a broker and puts a desk at its other side; both end with the test.
func NewBroker(t *testing.T, life Life) *Broker {
	t.Helper()
	b := &Broker{Desk: NewDesk(t, life), server: mqtt.New(&mqtt.Options{InlineClient: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, b.server.AddHook(&hook{broker: b}, nil))
	must(t, b.server.AddListener(listeners.NewNet("l", l)))
	go func() { _ = b.server.Serve() }() // it ends with Close
	t.Cleanup(func() { must(t, b.server.Close()) })
	b.URL = "mqtt://" + l.Addr().String()
	clients := x509.NewCertPool()
	clients.AddCert(b.CA)
	b.pipe = &broker.Desk{
		Route: broker.Route{URL: b.URL}, Speaker: broker.Speaker{Chain: [][]byte{b.Server.Raw, b.CA.Raw}, Key: b.serverKey},
		Clients: clients, Handler: http.HandlerFunc(b.answers), Message: 32 << 10, Now: func() time.Time { return life.From.Add(time.Minute) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan struct{})
	go func() { defer close(done); _ = b.pipe.Serve(ctx, func() { close(ready) }) }() // it ends with the test
	t.Cleanup(func() { cancel(); <-done })
	<-ready
	return b
}

// Answer has every question answered by serve from now on; nil is the desk.
func (b *Broker) Answer(serve http.HandlerFunc) { b.instead.Store(&serve) }

func (b *Broker) answers(w http.ResponseWriter, r *http.Request) {
	if instead := b.instead.Load(); instead != nil && *instead != nil {
		(*instead)(w, r)
		return
	}
	b.store.ServeHTTP(w, r)
}

// Refuse says which topics may not be subscribed to from now on; nil is none.
func (b *Broker) Refuse(which func(topic string) bool) { b.refuse.Store(&which) }

// Lose says which messages get lost from now on, after the broker took them; nil
// is none.
func (b *Broker) Lose(which func(topic string, payload []byte) bool) { b.lose.Store(&which) }

// Demand lets in, from now on, who shows this user name and password, and nobody else.
func (b *Broker) Demand(user, password string) { b.demand.Store(&[2]string{user, password}) }

// Silence keeps the broker's acknowledgements from terminals.
func (b *Broker) Silence(on bool) { b.silent.Store(on) }

// Link is a terminal's link over the broker.
func (b *Broker) Link(t *testing.T, change func(*transport.MQTTConfig, *transport.Identity)) *transport.MQTT {
	t.Helper()
	m, id := transport.MQTTConfig{URL: b.URL, Use: transport.Pipe, Message: 32 << 10, Resend: time.Second}, b.Identity(t, Terminal)
	if change != nil {
		change(&m, &id)
	}
	link, err := transport.NewMQTT(transport.Config{URL: b.Desk.URL}, m, id)
	must(t, err)
	t.Cleanup(func() { must(t, link.Close()) })
	return link
}

// Offer makes body the next thing that Pull brings, and rings.
func (b *Broker) Offer(t *testing.T, body []byte) {
	t.Helper()
	b.Desk.Offer(t, body)
	b.Ring(t)
}

// Ring rings the terminal's bell. What it carries means nothing.
func (b *Broker) Ring(t *testing.T) {
	t.Helper()
	must(t, b.pipe.Ring(t.Context(), Terminal, `"anything"`))
}

// Publish publishes as anybody may who reaches the broker.
func (b *Broker) Publish(t *testing.T, topic string, payload []byte) {
	t.Helper()
	must(t, b.server.Publish(topic, payload, false, 1))
}

// Watch hands every message of a topic filter to see, as anybody may read it who
// reaches the broker.
func (b *Broker) Watch(t *testing.T, filter string, see func(topic string, payload []byte)) {
	t.Helper()
	must(t, b.server.Subscribe(filter, 1, func(_ *mqtt.Client, _ packets.Subscription, pk packets.Packet) { see(pk.TopicName, pk.Payload) }))
}

// Cut ends the terminals' connections; the desk's own stays.
func (b *Broker) Cut(t *testing.T) {
	t.Helper()
	for _, c := range b.server.Clients.GetAll() {
		if _, desk := c.State.Subscriptions.Get("t/+/up"); !c.Net.Inline && !desk {
			c.Stop(errors.New("cut"))
		}
	}
}

// hook is the broker's own will.
type hook struct {
	mqtt.HookBase
	broker *Broker
}

func (h *hook) ID() string { return "test" }

func (h *hook) Provides(b byte) bool {
	return bytes.Contains([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnPacketEncode}, []byte{b})
}

func (h *hook) OnConnectAuthenticate(_ *mqtt.Client, pk packets.Packet) bool {
	want := h.broker.demand.Load()
	return want == nil || string(pk.Connect.Username) == want[0] && string(pk.Connect.Password) == want[1]
}

func (h *hook) OnACLCheck(_ *mqtt.Client, topic string, write bool) bool {
	refuse := h.broker.refuse.Load()
	return write || refuse == nil || *refuse == nil || !(*refuse)(topic)
}

func (h *hook) OnPublish(c *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	h.broker.Taken.Add(1)
	if lose := h.broker.lose.Load(); !c.Net.Inline && lose != nil && *lose != nil && (*lose)(pk.TopicName, pk.Payload) {
		return pk, packets.CodeSuccessIgnore // acknowledged, and gone
	}
	return pk, nil
}

func (h *hook) OnPacketEncode(c *mqtt.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type != packets.Puback || !h.broker.silent.Load() {
		return pk
	}
	if _, desk := c.State.Subscriptions.Get("t/+/up"); desk {
		return pk
	}
	return packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pingresp}} // which says nothing
}
