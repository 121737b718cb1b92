// Package broker carries questions and answers over an MQTT 3.1.1 broker that
// nobody has to trust. It is the one door to the MQTT library.
//
// It promises that the broker is a wire and no more. A question is signed with
// the terminal's TLS key and its answer with the desk's, both over the topic's
// name, so what anybody else publishes is dropped; an answer fits one question;
// nothing counts as delivered because the broker took it; a subscription that the
// broker refuses is an error and no silence; nothing is stored or sent anew by the
// library; and no message of the broker takes more memory than was agreed.
//
//	conn.go     one connection: subscribe, publish, gone
//	login.go    user name and password, and a broker that refuses them
//	bound.go    messages that are too long are never read into memory
//	topic.go    the names of topics
//	frame.go    question and answer as messages, in parts where they are long
//	assembly.go the parts of what is under way, and what they may cost
//	seal.go     who says it, and to which question
//	pipe.go     the terminal's side: ask, resend, believe
//	join.go     the terminal's one connection, its bell and its end
//	serve.go    the desk's side: believe, hand on, answer
//	sitting.go  the desk at one connection: who has how many places
//	bell.go     the doorbell, which only says "pull now"
package broker

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// qos is "at least once" on each hop. More would buy nothing: both ends are
// idempotent, and neither takes the broker's word for the other's.
const qos = 1

const (
	keepAlive   = 45 * time.Second
	dialTime    = 20 * time.Second
	refusedCode = 0x80 // in a SUBACK
)

// errNoWord ends the waiting for a broker's own word.
var errNoWord = errors.New("the broker does not answer")

// ErrLost says that the connection to the broker ended.
var ErrLost = errors.New("the connection to the broker is lost")

// Route says how a broker is reached.
type Route struct {
	URL string      // mqtt://host[:port] or mqtts://host[:port]
	TLS *tls.Config // for mqtts; its ServerName is set here
	Login
	Most int // bytes of a message that is accepted; DefaultMost if zero
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Patience is how long the broker may take to connect, and to answer each
	// subscription; 20 s if zero.
	Patience time.Duration
}

func (r Route) patience() time.Duration { return cmp.Or(r.Patience, dialTime) }

// Check tells whether a URL names a broker, and returns host and port.
func Check(address string) (scheme, host, port string, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || (u.Scheme != "mqtt" && u.Scheme != "mqtts") || u.Path != "" || u.User != nil || u.RawQuery != "" {
		return "", "", "", fmt.Errorf("cannot use %q as a broker's address: want mqtts://host[:port] or mqtt://host[:port]", shown(address))
	}
	port = map[string]string{"mqtt": "1883", "mqtts": "8883"}[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	return u.Scheme, u.Hostname(), port, nil
}

// shown is an address without what stands before an @, which may be a password.
func shown(address string) string {
	if at := strings.LastIndex(address, "@"); at >= 0 {
		return "..." + address[at:]
	}
	return address
}

// Conn is one connection. It is never repaired: what follows a loss is for the
// caller to decide, who has what is to be sent.
type Conn struct {
	client mqtt.Client
	lost   chan struct{}
	limit  time.Duration // of one subscription
	mu     sync.Mutex
	over   bool     // Close was called
	wire   net.Conn // the library leaves it open where a broker takes it and says nothing
}

// Dial connects. The session is clean: the broker keeps nothing for us while we
// are away, and the library has nothing to send by itself.
func Dial(ctx context.Context, r Route) (*Conn, error) {
	scheme, host, port, err := Check(r.URL)
	if err != nil {
		return nil, err
	}
	if err := r.Login.Check(r.URL); err != nil {
		return nil, err
	}
	word, err := r.password()
	if err != nil {
		return nil, err
	}
	id := make([]byte, 11)
	if _, err := rand.Read(id); err != nil {
		return nil, fmt.Errorf("cannot name the connection: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.patience(), errNoWord)
	defer cancel()
	c := &Conn{lost: make(chan struct{}), limit: r.patience()}
	once := func() (string, string) { // the library would keep it as long as the connection
		shown := word
		word = ""
		return r.User, string(shown)
	}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + net.JoinHostPort(host, port)).
		SetClientID("u" + hex.EncodeToString(id)). // 23 signs, which every broker takes
		SetCredentialsProvider(once).
		SetProtocolVersion(4).SetCleanSession(true).SetOrderMatters(false).SetResumeSubs(false).
		SetAutoReconnect(false).SetConnectRetry(false).SetKeepAlive(keepAlive).
		SetConnectTimeout(dialTime).SetWriteTimeout(dialTime).SetStore(mqtt.NewMemoryStore()).
		SetConnectionLostHandler(func(mqtt.Client, error) { close(c.lost) }).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			return c.hold(open(ctx, r, scheme, host, net.JoinHostPort(host, port)))
		})
	c.client = mqtt.NewClient(o)
	asked := c.client.Connect()
	if err := wait(ctx, nil, asked); err != nil {
		c.Close()
		return nil, fmt.Errorf("cannot connect to the broker: %w", named(asked, err))
	}
	return c, nil
}

func open(ctx context.Context, r Route, scheme, host, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	dial := r.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if scheme == "mqtts" {
		config := r.TLS.Clone()
		config.ServerName = host
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secure
	}
	return newBounded(conn, r.Most), nil
}

// Lost is closed when the connection ends without Close.
func (c *Conn) Lost() <-chan struct{} { return c.lost }

// Close ends the connection; what the broker has not taken yet is dropped.
func (c *Conn) Close() {
	c.client.Disconnect(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.wire != nil {
		_ = c.wire.Close() // the library may have done so
	}
}

// hold remembers the connection that was opened; one that nobody waits for any
// more is closed.
func (c *Conn) hold(wire net.Conn, err error) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over && err == nil {
		return nil, errors.Join(ErrLost, wire.Close())
	}
	c.wire = wire
	return wire, err
}

// Subscribe asks for a topic. The library reports a refusal as success, so the
// broker's own answer is looked at, and not waited for without end.
func (c *Conn) Subscribe(ctx context.Context, filter string, take func(topic string, payload []byte)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, errNoWord)
	defer cancel()
	token := c.client.Subscribe(filter, qos, func(_ mqtt.Client, m mqtt.Message) { take(m.Topic(), m.Payload()) })
	if err := wait(ctx, c.lost, token); err != nil {
		return fmt.Errorf("cannot subscribe to %s: %w", filter, err)
	}
	granted, ok := token.(*mqtt.SubscribeToken)
	if !ok {
		return fmt.Errorf("cannot subscribe to %s: the library does not say what the broker answered", filter)
	}
	if code, there := granted.Result()[filter]; !there || code >= refusedCode {
		return fmt.Errorf("cannot subscribe to %s: the broker refuses it", filter)
	}
	return nil
}

// Publish hands a message to the broker. That it was taken says that it is on
// its way, and nothing about the other end.
func (c *Conn) Publish(ctx context.Context, topic string, payload []byte) error {
	err := wait(ctx, c.lost, c.client.Publish(topic, qos, false, payload))
	if err != nil && !c.client.IsConnectionOpen() {
		err = errors.Join(ErrLost, err)
	}
	if err != nil {
		return fmt.Errorf("cannot publish to %s: %w", topic, err)
	}
	return nil
}

func wait(ctx context.Context, lost <-chan struct{}, t mqtt.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-lost:
		return ErrLost
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
