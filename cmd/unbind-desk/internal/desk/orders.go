package desk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/store"
)

// Offer is what waits for a terminal: the bundle, its tag, and a channel that
// is closed when something may have changed. Body is nil when nothing waits.
type Offer struct {
	Body    []byte
	Tag     string
	Changed <-chan struct{}
}

// Orders is what is offered to a terminal. The channel is taken before the
// store is read, so that nothing published in between is missed.
func (d *Desk) Orders(terminal string, who Caller) (Offer, error) {
	id, err := Name("terminal", terminal)
	if err != nil {
		return Offer{}, err
	}
	if id != who.Terminal {
		return Offer{}, refuse(ErrForeign, "E09", "terminal", "cannot serve the client: these are another terminal's orders")
	}
	if who.Gone {
		return Offer{}, buried("serve the client")
	}
	o := Offer{Changed: d.bell.wait(id)}
	var orders []store.Object
	err = d.look(func(tx *store.Tx) error {
		t, err := tx.Terminal(id)
		if err != nil {
			return err
		}
		for _, id := range t.Cases() {
			more, err := offered(tx, id)
			if err != nil {
				return err
			}
			orders = append(orders, more...)
		}
		switch {
		case len(orders) > 0:
			o.Body, err = d.pack(tx, orders)
		case d.trust().Version > 1:
			o.Body, err = d.alone(tx)
			o.Tag = trust.Tag(d.trust())
		}
		return err
	})
	if err != nil || o.Body == nil || o.Tag != "" {
		return o, err
	}
	sum := sha256.Sum256(o.Body)
	o.Tag = `"` + hex.EncodeToString(sum[:16]) + `"`
	return o, err
}

// publishedProfiles counts how often profiles were published.
const publishedProfiles = "profiles-published"

// alone is what a terminal without orders is offered once there is a second version:
// the trust, so that pins and revocations reach it before an order does. It is made
// once a version and for every profile that is published, under the version's tag:
// who has the version asks for no profile by itself, and gets it with the orders that
// need it.
func (d *Desk) alone(tx *store.Tx) ([]byte, error) {
	b := d.believed.Load()
	published, err := tx.Counted(publishedProfiles) // by whichever desk
	if err != nil {
		return nil, err
	}
	if had := b.alone.Load(); had != nil && had.published == published {
		return had.body, nil
	}
	body, err := d.pack(tx, nil)
	if err == nil {
		b.alone.Store(&lone{published, body})
	}
	return body, err
}

// offered lists a case's orders in the order they were published, as long as
// the terminal may have to act on one of them.
func offered(tx *store.Tx, id envelope.ID) ([]store.Object, error) {
	c, err := tx.Case(id)
	if err != nil {
		return nil, err
	}
	if due, err := due(tx, c); err != nil || !due {
		return nil, err
	}
	var orders, later []store.Object
	for _, kind := range []string{"command", "papers", "amend", "cancel", "close"} {
		err := tx.Objects(id, kind, func(o store.Object) error {
			if kind == "command" || kind == "papers" {
				orders = append(orders, o)
			} else {
				later = append(later, o)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(later, func(a, b store.Object) int { return cmp.Compare(a.Leaf, b.Leaf) })
	return append(orders, later...), nil
}

// due says whether the case's orders still go out. A receipted partial
// certificate leaves them out there, for only a close or an amendment can end
// such a case; a close goes out until the terminal has answered it.
func due(tx *store.Tx, c store.Case) (bool, error) {
	if c.State != Closed {
		return open(c.State), nil
	}
	last, err := tx.Newest(c.ID, "close")
	if err != nil {
		return false, err
	}
	answered := false
	err = answers(tx, c.ID, func(a command.Answer) { answered = answered || a.Subject == last.Digest })
	return !answered, err
}

// pack puts orders together with the trust they were made for. Of a trust that is
// too long for what a link takes the newest versions go: whoever lacks older ones
// needs a file (unbind-desk trust export).
func (d *Desk) pack(tx *store.Tx, orders []store.Object) ([]byte, error) {
	var bundle struct {
		Orders   []json.RawMessage `json:"orders"`
		Profiles []json.RawMessage `json:"profiles"`
		Trust    []json.RawMessage `json:"trust"`
	}
	bundle.Orders = []json.RawMessage{}
	room := trust.MaxFile - 1024 // for what stands around them
	for _, o := range orders {
		bundle.Orders, room = append(bundle.Orders, o.Body), room-len(o.Body)-1
	}
	var err error
	if bundle.Profiles, err = d.profiles(tx); err != nil {
		return nil, err
	}
	for _, p := range bundle.Profiles {
		room -= len(p) + 1
	}
	for _, b := range slices.Backward(d.bundles()) {
		step := b.Encode()
		if room -= len(step) + 1; room < 0 {
			break
		}
		bundle.Trust = append(bundle.Trust, step)
	}
	slices.Reverse(bundle.Trust)
	return json.Marshal(bundle)
}

// bell wakes the long polls of a terminal.
type bell struct {
	mu      *sync.Mutex
	waiting map[envelope.ID]chan struct{}
}

func newBell() bell { return bell{mu: &sync.Mutex{}, waiting: map[envelope.ID]chan struct{}{}} }

func (b bell) wait(id envelope.ID) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting[id] == nil {
		b.waiting[id] = make(chan struct{})
	}
	return b.waiting[id]
}

// ring wakes one terminal, or all with "".
func (b bell) ring(id envelope.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" {
		if c := b.waiting[id]; c != nil {
			close(c)
			delete(b.waiting, id)
		}
		return
	}
	for waiting, c := range b.waiting {
		close(c)
		delete(b.waiting, waiting)
	}
}
