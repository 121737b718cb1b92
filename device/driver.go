package device

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
)

// Capability is something a reader can do besides telling who it is. What is not among a reader's capabilities
// is answered with ErrUnsupported, never passed over.
type Capability string

// The capabilities of readers.
const (
	CanEvents  Capability = "events"  // transactions and incidents: Follow, Next, Acknowledge
	CanFreeze  Capability = "freeze"  // Freeze, Thaw
	CanTamper  Capability = "tamper"  // Tamper
	CanList    Capability = "list"    // Slots
	CanProbe   Capability = "probe"   // Probe
	CanErase   Capability = "erase"   // BeginErase … EraseStatus: by ticket, with a signed record
	CanDelete  Capability = "delete"  // DeleteKeys: at the host's word, without a record
	CanRestart Capability = "restart" // Reboot
	CanSAM     Capability = "sam"     // SAMSlots, PowerSAM, Transmit
	CanLoad    Capability = "load"    // LoadKey
	CanRotate  Capability = "rotate"  // RotateLink, RotateTicketKey, RotateRecordKey
)

// driver is one protocol. It is in the registry below by name; docs/DRIVERS.md shows how to add one.
type driver struct {
	name     string
	stopBits int
	bauds    []int // tried in this order when no speed is configured
	// converse synchronises a line that was just opened, learns who is there and, where the protocol can,
	// authenticates. It says where it stands by enter. Its error ends the attempt; the caller closes the line.
	converse func(l *line, o *Options, enter func(State)) (conversation, error)
}

var drivers = []driver{pedlinkDriver, mposDriver, ccidDriver}

// DriverNames lists the protocols that Config.Driver can name.
func DriverNames() []string {
	var names []string
	for _, d := range drivers {
		names = append(names, d.name)
	}
	return names
}

func driverNamed(name string) (driver, bool) {
	i := slices.IndexFunc(drivers, func(d driver) bool { return d.name == name })
	if i < 0 {
		return driver{}, false
	}
	return drivers[i], true
}

// conversation is one connection with one reader in one protocol, from a fresh line to its loss. What more the
// reader can do is told by the interfaces below that it has and by capabilities.
type conversation interface {
	// who is the reader, as told when the conversation began.
	who() Identity
	// limited says why only identify is possible (foreign, unpaired, locked); nil: everything is.
	limited() error
	// identify asks again, live.
	identify(context.Context) (Identity, error)
	capabilities() []Capability
	// checkAlive asks a reader that said nothing lately, and loses the line of one that is gone.
	checkAlive()
	// on is the line it stands on; losing that ends the conversation.
	on() *line
}

type (
	tamperSensor interface {
		tamper(context.Context) (Tamper, error)
	}
	keyLister interface {
		slots(context.Context) ([]Slot, error)
	}
	keyProber interface {
		probe(context.Context, uint16) error
	}
	// ticketEraser erases in two phases, for a ticket that the reader checks, and signs for it.
	ticketEraser interface {
		beginErase(ctx context.Context, order [32]byte, scope []uint16) (EraseChallenge, error)
		cancelErase(context.Context) error
		commitErase(ctx context.Context, ticket []byte, nonce [16]byte) (EraseRecord, error)
		eraseStatus(ctx context.Context, order [32]byte) (EraseRecord, bool, error)
	}
	// keyDeleter erases because it is told to; who told it is nothing it knows.
	keyDeleter interface {
		deleteKeys(ctx context.Context, scope []uint16) error
	}
	freezer interface {
		freeze(context.Context) error
		thaw(context.Context) error
	}
	// restarter orders a restart. gone: the reader was seen to fall silent, which is what there is instead of a proof
	// where restarts are not counted.
	restarter interface {
		restart(context.Context) (gone bool, err error)
	}
	eventSource interface {
		follow(ctx context.Context, after uint32) (*flow, Backlog, error)
		acknowledge(ctx context.Context, upTo uint32) error
	}
	samReader interface {
		samSlots(context.Context) ([]SAM, error)
		powerSAM(ctx context.Context, slot int, on bool) (ATR, error)
		transmit(ctx context.Context, slot int, apdu []byte) ([]byte, error)
	}
	// keyLoader takes a key under a key that the reader has, as a TR-31 block or in what the protocol has instead.
	keyLoader interface {
		loadKey(ctx context.Context, slot uint16, block []byte) (kcv []byte, err error)
	}
	// keyRotator changes the reader's own keys, by an order that the reader checks.
	keyRotator interface {
		rotateLink(ctx context.Context, order []byte, next Secret) error
		rotateTicketKey(ctx context.Context, order []byte, next ed25519.PublicKey) error
		rotateRecordKey(ctx context.Context, order []byte) (NewRecordKey, error)
		// pairedBy says whether this conversation was authenticated with a key.
		pairedBy(Secret) bool
	}
)

// can returns a conversation's side of a capability, once the reader is the bound one and answers.
// It costs no question: what the protocol lacks is told at once.
func can[side any](ctx context.Context, r *Reader, c Capability) (side, error) {
	var none side
	conv, err := r.await(ctx, nil, true)
	if err != nil {
		return none, err
	}
	s, ok := conv.(side)
	if !ok || !slices.Contains(conv.capabilities(), c) {
		return none, fmt.Errorf("%w: %s", ErrUnsupported, c)
	}
	return s, nil
}
