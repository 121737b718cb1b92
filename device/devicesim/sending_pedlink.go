package devicesim

import (
	"encoding/binary"
	"time"
)

// next sends what is due: the response first, then events, one frame at a time.
func (e *engine) next() error {
	if e.waiting != nil {
		return nil
	}
	if e.queued != nil {
		r := e.queued
		e.queued = nil
		e.reboot = r.reboot
		payload := binary.BigEndian.AppendUint16(nil, uint16(e.queueOp))
		payload = binary.BigEndian.AppendUint16(payload, uint16(r.status))
		return e.send(tRSP, append(payload, r.body...))
	}
	if e.flow != nil && e.sim.letGo() > e.flow.pushed {
		return e.restart() // a flow has no gap: what was lost is told by the next EVT_SINCE
	}
	if ev, due := e.dueEvent(); due {
		payload := binary.BigEndian.AppendUint16(nil, ev.code)
		payload = binary.BigEndian.AppendUint32(payload, ev.seq)
		e.flow.pushed = ev.seq
		return e.send(tEVT, body(payload).put(tgRecordJSON, ev.body))
	}
	return nil
}

// dueEvent is the next event of the flow, unless the window is full of unacknowledged ones.
func (e *engine) dueEvent() (event, bool) {
	if e.flow == nil {
		return event{}, false
	}
	e.sim.mu.Lock()
	defer e.sim.mu.Unlock()
	m := e.sim.mem
	if e.flow.pushed-max(m.released, e.flow.after) >= window || e.flow.pushed >= m.last {
		return event{}, false
	}
	if e.sim.wrong(faultWithholds) {
		return event{}, false
	}
	return m.held[e.flow.pushed-m.released], true
}

// letGo is the highest event number that is not held any more.
func (s *Sim) letGo() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mem.released
}

func (e *engine) send(typ frameType, payload []byte) error {
	seq := e.nextOut
	e.nextOut++
	if e.session != nil {
		payload = e.session.seal(typ, seq, payload)
	}
	f := frame{typ: typ, seq: seq, body: payload}
	raw := f.bytes()
	if typ == tRSP {
		e.answer = raw
	}
	e.waiting = &sending{typ: typ, seq: seq, raw: raw, timer: time.NewTimer(time.Hour)}
	return e.firstSend(f)
}

// sendAgain puts the same bytes on the line, three times in all; then the conversation is over.
func (e *engine) sendAgain() error {
	w := e.waiting
	if w.sends == sends {
		if e.reboot {
			return e.restartSim()
		}
		return e.restart()
	}
	w.sends++
	w.timer.Reset(e.sim.options.Ack + e.sim.bytesTime(2*len(w.raw)))
	return e.write(w.raw)
}

func (e *engine) unacknowledged() <-chan time.Time {
	if e.waiting == nil {
		return nil
	}
	return e.waiting.timer.C
}

func (e *engine) acknowledged(seq byte) error {
	if e.waiting == nil || e.waiting.seq != seq {
		return nil
	}
	e.settle()
	if e.reboot {
		return e.restartSim()
	}
	return e.next()
}

func (e *engine) settle() {
	e.waiting.timer.Stop()
	e.waiting = nil
}

// restartSim is the reader restarting itself; the line sees it as a reset.
func (e *engine) restartSim() error {
	if err := e.sim.Reboot(); err != nil {
		return err
	}
	select {
	case <-e.sim.restarted: // this is it
	default:
	}
	return e.restart()
}

func (e *engine) write(b []byte) error {
	if e.sim.isSilent() {
		return nil
	}
	_, err := e.line.Write(b)
	return err
}
