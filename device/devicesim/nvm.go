package devicesim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// memory is the reader's non-volatile memory: one file with fixed places, so that a key is overwritten
// where it lies and not merely left behind in a replaced file.
//
//	     0 identity         written once
//	  4096 release marks    two cells in turn
//	  8192 state            two pages in turn, the newer sound one counts
//	 73728 key slots        704 of 256 bytes, taken one after the other and never given back
//	253952 event log        appended, cut back when nothing is held
//
// Every write but the mark of an acknowledgement is on the disk before the call returns.
type memory struct {
	f     *os.File
	id    identity
	st    state
	slots []slot
	held  []event                        // numbers released+1 .. last
	dead  bool                           // the power is off: nothing may be written any more
	fuse  func(at int64, b []byte) error // asked before each write, and can stop it; nil: nothing does
	sync  func(fd int) error             // waits for the disk; nil: Fdatasync

	released uint32 // highest number let go
	last     uint32 // highest number given
	stateGen uint64
	markGen  uint64
	logEnd   int64
}

const (
	identityAt = 0
	marksAt    = 4096
	markStep   = 512
	stateAt    = 8192
	statePage  = 32768 // room for an erase of every slot and its records
	slotsAt    = stateAt + 2*statePage
	logAt      = slotsAt + maxSlots*slotSize
	pageHead   = 16
)

// identity is what the maker wrote into the reader for its whole life.
type identity struct {
	Magic    string `json:"magic"`
	Serial   string `json:"serial"`
	Model    string `json:"model"`
	Firmware string `json:"firmware"`
	Hardware string `json:"hardware"`
	Protocol string `json:"protocol"` // its slots were made for
}

// magic names the layout; the one before it had room for 64 slots, and none for a master key's number.
const magic = "readersim-nvm/3"

// state is everything that changes, except keys and events.
type state struct {
	Own            ownKeys    `json:"own"`
	BootCount      uint32     `json:"boot_count"`
	EraseCount     uint32     `json:"erase_count"`
	Frozen         bool       `json:"frozen"`
	Tampered       bool       `json:"tampered"`
	Tampering      bool       `json:"tampering"`         // detected, and not yet carried through
	Tampers        uint32     `json:"tampers"`           // detections in the reader's life
	Foreign        string     `json:"foreign,omitempty"` // the serial number of a reader that came in this one's place
	LastEvent      uint32     `json:"last_event"`        // at the time of writing; the log may know better
	Generated      uint64     `json:"generated"`
	FailedProofs   int        `json:"failed_proofs"`
	Challenge      *challenge `json:"challenge,omitempty"`
	Erase          *erasing   `json:"erase,omitempty"`
	Done           []done     `json:"done,omitempty"`
	ErasesStarted  uint32     `json:"erases_started"`
	ErasesFinished uint32     `json:"erases_finished"`
}

var (
	errPowerCut = errors.New("power is off")
	errMemory   = errors.New("memory file is damaged")
	errLayout   = errors.New("memory file has another layout")
)

// createMemory writes a new reader's memory, and never over an existing one.
func createMemory(path string, id identity, own ownKeys, slots []slot) (err error) {
	id.Magic = magic
	image := make([]byte, slotsAt+len(slots)*slotSize) // everything behind it reads as zeros
	for at, content := range map[int]any{identityAt: id, stateAt + statePage: state{Own: own}} {
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		copy(image[at:], page(1, text))
	}
	for i := range slots {
		at := slotsAt + i*slotSize
		copy(image[at:], slots[i].head())
		copy(image[at+keyOffset:], slots[i].keyBytes())
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(image)
	if err == nil {
		err = f.Truncate(logAt)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// openMemory reads a reader's memory and keeps other processes away from it.
func openMemory(path string) (*memory, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	m := &memory{f: f}
	if err := m.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return m, nil
}

func (m *memory) load() error {
	if err := unix.Flock(int(m.f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another simulator runs on it: %w", err)
	}
	if err := m.loadIdentity(); err != nil {
		return err
	}
	image := make([]byte, logAt)
	if _, err := m.f.ReadAt(image, 0); err != nil {
		return fmt.Errorf("%w: %w", errMemory, err)
	}
	if err := m.loadState(image); err != nil {
		return err
	}
	if err := m.loadSlots(image[slotsAt:]); err != nil {
		return err
	}
	return m.loadEvents()
}

// loadIdentity comes before everything else: a file of another layout is refused by its name.
func (m *memory) loadIdentity() error {
	head := make([]byte, marksAt)
	if _, err := m.f.ReadAt(head, identityAt); err != nil {
		return fmt.Errorf("%w: %w", errMemory, err)
	}
	text, _, ok := readPage(head)
	if !ok {
		return fmt.Errorf("%w: identity", errMemory)
	}
	if err := json.Unmarshal(text, &m.id); err != nil {
		return fmt.Errorf("%w: identity: %w", errMemory, err)
	}
	if m.id.Magic != magic {
		return fmt.Errorf("%w: %q, not %q; make the reader anew", errLayout, m.id.Magic, magic)
	}
	return nil
}

func (m *memory) loadState(image []byte) error {
	for i := range 2 {
		at := stateAt + i*statePage
		text, gen, ok := readPage(image[at : at+statePage])
		if !ok || gen <= m.stateGen {
			continue
		}
		var st state
		if err := json.Unmarshal(text, &st); err != nil {
			return fmt.Errorf("%w: state: %w", errMemory, err)
		}
		m.st, m.stateGen = st, gen
	}
	for i := range 2 {
		at := marksAt + i*markStep
		if mark, gen, ok := readPage(image[at : at+markStep]); ok && gen > m.markGen && len(mark) == 4 {
			m.released, m.markGen = binary.BigEndian.Uint32(mark), gen
		}
	}
	return nil
}

// page frames a payload with length, checksum and generation.
func page(gen uint64, payload []byte) []byte {
	b := make([]byte, pageHead, pageHead+len(payload))
	binary.BigEndian.PutUint32(b, uint32(len(payload)))
	binary.BigEndian.PutUint64(b[8:], gen)
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[8:], crc32c))
	return b
}

func readPage(b []byte) (payload []byte, gen uint64, ok bool) {
	n := int(binary.BigEndian.Uint32(b))
	if n == 0 || n > len(b)-pageHead {
		return nil, 0, false
	}
	if crc32.Checksum(b[8:pageHead+n], crc32c) != binary.BigEndian.Uint32(b[4:]) {
		return nil, 0, false
	}
	return b[pageHead : pageHead+n], binary.BigEndian.Uint64(b[8:]), true
}

// save makes the present state durable.
func (m *memory) save() error {
	m.st.LastEvent = m.last
	text, err := json.Marshal(m.st)
	if err != nil {
		return err
	}
	if len(text) > statePage-pageHead {
		return fmt.Errorf("%w: state has %d bytes", errMemory, len(text))
	}
	m.stateGen++
	return m.write(stateAt+int64(m.stateGen%2)*statePage, page(m.stateGen, text))
}

// write puts bytes in their place and waits for the disk.
func (m *memory) write(at int64, b []byte) error {
	if err := m.writeSoon(at, b); err != nil {
		return err
	}
	if m.sync != nil {
		return m.sync(int(m.f.Fd()))
	}
	return unix.Fdatasync(int(m.f.Fd()))
}

// writeSoon leaves it to the system when the bytes reach the disk.
func (m *memory) writeSoon(at int64, b []byte) error {
	if m.dead {
		return errPowerCut
	}
	if m.fuse != nil {
		if err := m.fuse(at, b); err != nil {
			return err
		}
	}
	_, err := m.f.WriteAt(b, at)
	return err
}

func (m *memory) close() error { return m.f.Close() }
