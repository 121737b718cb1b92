package devicesim

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// Spec says what reader to make.
type Spec struct {
	Serial    string
	Model     string // "" : PED-SIM-1
	Firmware  string // "" : 1.0.0
	Hardware  string // "" : A
	Protocol  string // whose key slots it has: "pedlink", "mpos" or "ccid"; "": pedlink
	TicketKey ed25519.PublicKey
	Rand      io.Reader // source of every key
}

// Injection is the list that the key injection hands to the back office: what the reader is, and the
// pairing key, which is secret.
type Injection struct {
	Driver   string         `json:"driver,omitempty"` // protocol; "": pedlink, the only one with the two keys below
	Serial   string         `json:"sn"`
	Model    string         `json:"model"`
	Firmware string         `json:"firmware"`
	Pub      []byte         `json:"pub,omitempty"`     // record key
	Pairing  []byte         `json:"pairing,omitempty"` // K_dev
	Slots    []InjectedSlot `json:"slots"`
}

// InjectedSlot is one key slot as it left the injection.
type InjectedSlot struct {
	Slot     uint16 `json:"slot"`
	Type     string `json:"type"`
	Alg      string `json:"alg"`
	KCV      string `json:"kcv"` // lower-case hex
	Method   string `json:"method"`
	KSN      string `json:"ksn,omitempty"`
	Retained bool   `json:"retained"`
}

// Create makes the memory file of a new reader and returns what the injection knows about it.
func Create(path string, spec Spec) (Injection, error) {
	in, err := create(path, spec)
	if err != nil {
		return Injection{}, fmt.Errorf("cannot make reader: %w", err)
	}
	return in, nil
}

func create(path string, spec Spec) (Injection, error) {
	id := identity{
		Serial: spec.Serial, Model: or(spec.Model, "PED-SIM-1"), Firmware: or(spec.Firmware, "1.0.0"),
		Hardware: or(spec.Hardware, "A"), Protocol: or(spec.Protocol, "pedlink"),
	}
	blank, known := blanks[id.Protocol]
	if !known {
		return Injection{}, fmt.Errorf("nothing is known of the key slots of protocol %q", id.Protocol)
	}
	own := ownKeys{Ticket: spec.TicketKey, Link: make([]byte, 16), Record: make([]byte, ed25519.SeedSize)}
	for _, text := range []string{id.Serial, id.Model, id.Firmware, id.Hardware} {
		if !isID(text) {
			return Injection{}, fmt.Errorf("%q is no name for a serial, model or version", text)
		}
	}
	if len(spec.TicketKey) != ed25519.PublicKeySize {
		return Injection{}, fmt.Errorf("ticket key has %d bytes", len(spec.TicketKey))
	}
	for _, secret := range [][]byte{own.Link, own.Record} {
		if _, err := io.ReadFull(spec.Rand, secret); err != nil {
			return Injection{}, err
		}
	}
	slots, err := fillSlots(blank, spec.Rand)
	if err != nil {
		return Injection{}, err
	}
	if err := createMemory(path, id, own, slots); err != nil {
		return Injection{}, err
	}
	return injection(id, own, slots), nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func fillSlots(blank []slot, random io.Reader) ([]slot, error) {
	slots := slices.Clone(blank)
	for i := range slots {
		s := &slots[i]
		if s.state == slotEmpty {
			continue
		}
		s.key = make([]byte, 16)
		if _, err := io.ReadFull(random, s.key); err != nil {
			return nil, err
		}
		if err := s.check(); err != nil {
			return nil, err
		}
	}
	return slots, nil
}

func injection(id identity, own ownKeys, slots []slot) Injection {
	in := Injection{
		Serial: id.Serial, Model: id.Model, Firmware: id.Firmware,
	}
	if id.Protocol == "pedlink" {
		in.Pairing, in.Pub = own.Link, ed25519.NewKeyFromSeed(own.Record).Public().(ed25519.PublicKey)
	} else {
		in.Driver = id.Protocol
	}
	if id.Protocol == "ccid" { // it has no serial number to tell: hosts know it by its model
		in.Model, in.Serial = defaultModel, "ccid:"+defaultModel
	}
	for _, s := range slots {
		in.Slots = append(in.Slots, InjectedSlot{
			Slot: s.id, Type: typeNames[s.typ], Alg: algNames[s.alg], KCV: hex.EncodeToString(s.kcv),
			Method: methodNames[s.method], KSN: hex.EncodeToString(s.ksn), Retained: s.reason != 0,
		})
	}
	return in
}
