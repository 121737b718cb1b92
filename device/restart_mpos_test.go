package device

import (
	"errors"
	"testing"
)

// withRestarting runs a restart of a reader that answers each frame as the test says, by how many questions it heard
// behind its order.
func withRestarting(name string, t *testing.T, answer func(p *mposPeer, f mposFrame, behind int), check func(t *testing.T, gone bool, err error)) {
	onMposLine(name, t, func(t *testing.T, l *mposLink, p *mposPeer) {
		c := &mpos{link: l, turn: newTurn(), options: &Options{}, identity: Identity{Serial: "PED-0001"}}
		go func() {
			ordered, behind := false, 0
			for f := range p.requests {
				switch {
				case f.cmd == mposRestart:
					ordered = true
					p.answer(f, mposOK)
				case ordered:
					behind++
					answer(p, f, behind)
				default:
					p.answer(f, "00"+lls("PED-0001"))
				}
			}
		}()
		gone, err := c.restart(t.Context())
		check(t, gone, err)
	})
}

func isSeen(t *testing.T, gone bool, err error) {
	t.Helper()
	if err != nil || !gone {
		t.Errorf("gone %v, error %v", gone, err)
	}
}

func isNotSeen(t *testing.T, gone bool, err error) {
	t.Helper()
	if !errors.Is(err, ErrNoRestart) || gone {
		t.Errorf("gone %v, error %v", gone, err)
	}
}

func TestMposRestartIsSeenOnTheLine(t *testing.T) {
	here := func(p *mposPeer, f mposFrame, _ int) { p.answer(f, "00"+lls("PED-0001")) }
	withRestarting("silent at once", t, func(*mposPeer, mposFrame, int) {}, isSeen)
	withRestarting("silent after a while", t, func(p *mposPeer, f mposFrame, behind int) {
		if behind <= 3 {
			here(p, f, behind)
		}
	}, isSeen)
	withRestarting("hangs up", t, func(p *mposPeer, _ mposFrame, _ int) { _ = p.conn.Close() }, isSeen)
	withRestarting("answers on", t, here, isNotSeen)
	withRestarting("refuses to speak, and is there", t, func(p *mposPeer, f mposFrame, _ int) { p.answer(f, mposDamaged) }, isNotSeen)
	withRestarting("answers that come damaged are answers", t, func(p *mposPeer, f mposFrame, _ int) {
		b := mustEncodeMpos(p.t, mposFrame{cmd: f.cmd, seq: f.seq, data: []byte("00A")})
		b[mposHeadLen+2] ^= 1
		p.write(b)
	}, isNotSeen)
}
