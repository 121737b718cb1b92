package devicesim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is something the simulated reader does wrong: a name and, after "=", a value.
type Fault struct {
	Name  string
	Value string
}

// Names of faults. A fault is no part of the reader's memory: after a power cut it must be given again.
const (
	faultRefuses          = "refuses"            // [=status in hex]: COMMIT is refused, nothing happens
	faultHalf             = "half"               // half of the slots are erased, and it says so
	faultLiesAnswersProbe = "lies-answers-probe" // says erased, lists empty, the key still answers
	faultLiesKeeps        = "lies-keeps"         // says erased, lists the keys as before
	faultLiesUntilRestart = "lies-until-restart" // says erased, hides the keys until it is restarted
	faultSilent           = "silent"             // does not answer at all
	faultIgnoresReboot    = "ignores-reboot"     // answers REBOOT and goes on
	faultForeign          = "foreign"            // =serial: another reader on the same line
	faultCutAfter         = "cut-after"          // =k: power cut after k slots of an erase
	faultCutBeforeErase   = "cut-before-erase"   // power cut after the ticket was checked, before anything is written
	faultCutBeforeAnswer  = "cut-before-answer"  // power cut between the finished erase and its answer
)

var faultChecks = map[string]func(string) bool{
	faultRefuses:          func(v string) bool { _, err := refusalCode(v); return err == nil },
	faultHalf:             noValue,
	faultLiesAnswersProbe: noValue,
	faultLiesKeeps:        noValue,
	faultLiesUntilRestart: noValue,
	faultSilent:           noValue,
	faultIgnoresReboot:    noValue,
	faultForeign:          isID,
	faultCutAfter:         func(v string) bool { k, err := strconv.Atoi(v); return err == nil && k >= 0 },
	faultCutBeforeErase:   noValue,
	faultCutBeforeAnswer:  noValue,
	faultLacks:            isLacks,
}

func noValue(v string) bool { return v == "" }

// isID tells the class [A-Za-z0-9._:/@+-]{1,64}.
func isID(v string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@+-"
	return len(v) >= 1 && len(v) <= 64 && strings.Trim(v, allowed) == ""
}

// ParseFault reads "name" or "name=value".
func ParseFault(text string) (Fault, error) {
	name, value, _ := strings.Cut(text, "=")
	check, known := faultChecks[name]
	if !known {
		return Fault{}, fmt.Errorf("cannot set fault %q: known are %s", name, strings.Join(FaultNames(), " "))
	}
	if !check(value) {
		return Fault{}, fmt.Errorf("cannot set fault %s: bad value %q", name, value)
	}
	return Fault{name, value}, nil
}

// FaultNames lists every fault, sorted.
func FaultNames() []string {
	var names []string
	for name := range faultChecks {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// faults are those in force, by name.
type faults map[string]string

func (f faults) has(name string) bool { _, set := f[name]; return set }

func (f faults) refusal() (status, bool) {
	code, err := refusalCode(f[faultRefuses])
	return code, f.has(faultRefuses) && err == nil
}

func refusalCode(v string) (status, error) {
	if v == "" {
		return stEraseRefused, nil
	}
	code, err := strconv.ParseUint(v, 16, 16)
	return status(code), err
}

// cutAt takes the power away if a fault wants it at this point: name, and the number of slots erased so far.
func (s *Sim) cutAt(name string, slots int) error {
	value, set := s.faults[name]
	if !set || (name == faultCutAfter && value != strconv.Itoa(slots)) {
		return nil
	}
	s.powerOff()
	return errPowerCut
}

// serial is what the reader calls itself.
func (s *Sim) serial() string {
	if foreign, set := s.faults[faultForeign]; set {
		return foreign
	}
	return s.mem.id.Serial
}

// linkKey is K_dev; a foreign reader has one of its own.
func (s *Sim) linkKey() []byte {
	if foreign, set := s.faults[faultForeign]; set {
		key := sha256.Sum256([]byte("foreign link key " + foreign))
		return key[:16]
	}
	return s.mem.st.Own.Link
}

func (s *Sim) recordKey() ed25519.PrivateKey {
	if foreign, set := s.faults[faultForeign]; set {
		seed := sha256.Sum256([]byte("foreign record key " + foreign))
		return ed25519.NewKeyFromSeed(seed[:])
	}
	return ed25519.NewKeyFromSeed(s.mem.st.Own.Record)
}

// Fault puts a fault in force, or changes its value.
func (s *Sim) Fault(f Fault) {
	s.mu.Lock()
	s.faults[f.Name] = f.Value
	s.mu.Unlock()
	if f.Name == faultForeign {
		s.interrupt() // another reader was plugged in
	}
}

// ClearFaults makes the reader and its line good ones again.
func (s *Sim) ClearFaults() {
	s.SetLine(Noise{})
	s.mu.Lock()
	was := s.faults.has(faultForeign)
	s.faults = faults{}
	s.mu.Unlock()
	if was {
		s.interrupt()
	}
}

func (f faults) list() []string {
	list := []string{}
	for name, value := range f {
		list = append(list, strings.TrimSuffix(name+"="+value, "="))
	}
	slices.Sort(list)
	return list
}
