package agent

import (
	"context"

	"unbindd/device"
)

// conversation is all that the agent says to its reader and hears from it:
// device.Reader, or the reader of the model.
type conversation interface {
	Identify(ctx context.Context) (device.Identity, error)
	Capabilities(ctx context.Context) ([]device.Capability, error)
	Tamper(ctx context.Context) (device.Tamper, error)
	Slots(ctx context.Context) ([]device.Slot, error)
	SAMSlots(ctx context.Context) ([]device.SAM, error)
	Probe(ctx context.Context, slot uint16) error

	Follow(ctx context.Context, after uint32) (device.Backlog, error)
	Next(ctx context.Context, most int) ([]device.Event, error)
	Acknowledge(ctx context.Context, upTo uint32) error
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error

	BeginErase(ctx context.Context, order [32]byte, scope []uint16) (device.EraseChallenge, error)
	CancelErase(ctx context.Context) error
	EraseStatus(ctx context.Context, order [32]byte) (device.EraseRecord, bool, error)
	CommitErase(ctx context.Context, ticket []byte, nonce [16]byte) (device.EraseRecord, error)
	DeleteKeys(ctx context.Context, scope []uint16) error

	Reopen(ctx context.Context) error
	Reboot(ctx context.Context) error
	Status() device.Status
	Stats() device.Stats
	Close() error
}
