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

// Names of faults. Where a value [=n] is a number of commands, the fault is over after so many, without it never.
// A fault is no part of the reader's memory: after a power cut it must be given again. Only foreign stays.
const (
	faultSilent         = "silent"                    // does not answer at all
	faultNoAck          = "no-ack"                    // [=n] takes a command and does not acknowledge it
	faultLateAck        = "late-ack"                  // [=n] acknowledges after 400 ms, when the host has sent again
	faultSilentAfterAck = "silent-after-ack"          // [=n] acknowledges, executes and says nothing more
	faultAnswersTwice   = "answers-twice"             // [=n] sends its answer twice
	faultWrongSeq       = "wrong-seq"                 // [=n] sends its answer under a wrong number first
	faultNak            = "nak"                       // [=n] refuses sound commands as damaged
	faultBusyForever    = "busy-forever"              // [=n] asks for time without end, and executes nothing
	faultReboots        = "reboots"                   // =n: restarts itself after it executed the n-th command from now, and does not answer it
	faultTamper         = "tamper-in-session"         // [=n] is opened before the n-th command from now; the first
	faultIgnoresReboot  = "ignores-reboot"            // answers REBOOT and goes on
	faultForeign        = "foreign"                   // =serial: another reader on the same line, until the fault is cleared
	faultReplug         = "other-serial-after-replug" // =serial: becomes foreign when it is unplugged

	faultRefuses          = "refuses"                // [=status in hex]: COMMIT is refused, nothing happens
	faultSaysFailed       = "erases-but-says-failed" // [=status in hex]: COMMIT erases and is answered as refused
	faultHalf             = "half"                   // half of the slots are erased, and it says so
	faultErasesTooMuch    = "erases-too-much"        // erases the keys outside the scope too
	faultNoRecord         = "erases-without-record"  // [=status in hex]: COMMIT erases, is answered as refused, and no record is kept
	faultWithholds        = "withholds-events"       // EVT_SINCE tells of events that are never sent
	faultReplaysRecord    = "replays-record"         // erases, and shows the record of another erase
	faultLiesHides        = "lies-hides-from-list"   // says erased, lists empty, the key still answers
	faultLiesKeeps        = "lies-keeps"             // says erased, lists the keys as before
	faultLiesUntilReboot  = "lies-until-reboot"      // says erased, hides the keys until it is restarted
	faultEventsFlood      = "events-flood"           // [=n] n events, or 100, come when COMMIT does, once
	faultCutBeforeJournal = "cut-before-journal"     // power cut after the ticket was checked, before anything is written
	faultCutAfterJournal  = "cut-after-journal"      // power cut when the erase is written down, before the first slot
	faultCutAfter         = "cut-after"              // =k: power cut after k slots of an erase
	faultCutBeforeAnswer  = "cut-before-answer"      // power cut between the finished erase and its answer
)

var faultChecks = map[string]func(string) bool{
	faultSilent:           noValue,
	faultNoAck:            isCountOrNone,
	faultLateAck:          isCountOrNone,
	faultSilentAfterAck:   isCountOrNone,
	faultAnswersTwice:     isCountOrNone,
	faultWrongSeq:         isCountOrNone,
	faultNak:              isCountOrNone,
	faultBusyForever:      isCountOrNone,
	faultWrongLRC:         isCountOrNone,
	faultAsksTime:         isCount,
	faultReboots:          isCount,
	faultTamper:           isCountOrNone,
	faultIgnoresReboot:    noValue,
	faultForeign:          isID,
	faultReplug:           isID,
	faultRefuses:          isRefusal,
	faultSaysFailed:       isRefusal,
	faultHalf:             noValue,
	faultErasesTooMuch:    noValue,
	faultNoRecord:         isRefusal,
	faultWithholds:        noValue,
	faultReplaysRecord:    noValue,
	faultLiesHides:        noValue,
	faultLiesKeeps:        noValue,
	faultLiesUntilReboot:  noValue,
	faultEventsFlood:      isCountOrNone,
	faultCutBeforeJournal: noValue,
	faultCutAfterJournal:  noValue,
	faultCutAfter:         func(v string) bool { k, err := strconv.Atoi(v); return err == nil && k >= 0 },
	faultCutBeforeAnswer:  noValue,
	faultLacks:            isLacks,
	faultMuteCard:         noValue,
}

func isCount(v string) bool       { n, err := strconv.Atoi(v); return err == nil && n >= 1 }
func isCountOrNone(v string) bool { return v == "" || isCount(v) }
func isRefusal(v string) bool     { code, err := refusalCode(v); return err == nil && code != stOK }

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

// refusal is the status with which a fault refuses a COMMIT.
func (f faults) refusal(name string) (status, bool) {
	code, err := refusalCode(f[name])
	return code, f.has(name) && err == nil
}

// spend says whether a fault strikes now; one with a number is over after so many times.
func (f faults) spend(name string) bool {
	value, set := f[name]
	if !set || value == "" {
		return set
	}
	if n, err := strconv.Atoi(value); err == nil && n > 1 {
		f[name] = strconv.Itoa(n - 1)
	} else {
		delete(f, name)
	}
	return true
}

// due says whether this is the n-th time since a fault with a number n was set, and ends it then; without a number
// it is the first.
func (f faults) due(name string) bool {
	if value, set := f[name]; set && (value == "" || value == "1") {
		delete(f, name)
		return true
	}
	f.spend(name)
	return false
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
	s.struck.add(name)
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

// Fault puts a fault in force, or changes its value. An error is the memory's, which keeps who the reader is.
func (s *Sim) Fault(f Fault) error {
	return s.become(func() { s.faults[f.Name] = f.Value })
}

// become changes the faults in force, and with them perhaps which reader this is.
func (s *Sim) become(change func()) error {
	changed := false
	err := s.locked(func() error {
		change()
		now := s.faults[faultForeign]
		if changed = now != s.mem.st.Foreign; !changed {
			return nil
		}
		s.mem.st.Foreign = now
		return s.mem.save()
	})
	if err != nil {
		return fmt.Errorf("cannot set fault: %w", err)
	}
	if changed {
		s.interrupt() // another reader was plugged in
	}
	return nil
}

// ClearFaults makes the reader and its line good ones again.
func (s *Sim) ClearFaults() error {
	s.SetLine(Noise{})
	return s.become(func() { clear(s.faults) })
}

// replugged is what unplugging changes.
func (s *Sim) replugged() error {
	return s.become(func() {
		if serial, set := s.faults[faultReplug]; set {
			delete(s.faults, faultReplug)
			s.struck.add(faultReplug)
			s.faults[faultForeign] = serial
		}
	})
}

func (f faults) list() []string {
	list := []string{}
	for name, value := range f {
		list = append(list, strings.TrimSuffix(name+"="+value, "="))
	}
	slices.Sort(list)
	return list
}

// take ends a fault and returns its number: another one where it has none, 0 where it is not in force.
func (f faults) take(name string, otherwise int) int {
	value, set := f[name]
	delete(f, name)
	if n, err := strconv.Atoi(value); err == nil || !set {
		return n
	}
	return otherwise
}
