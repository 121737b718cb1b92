package device

import (
	"testing"
	"testing/synctest"
)

func TestLinesAreJudged(t *testing.T) {
	var total Stats
	q := quality{}
	for _, step := range []struct {
		name         string
		frames, bad  uint64
		complaint    string
		changed, ill bool
	}{
		{"a single accident on a quiet line", 10, 5, "", false, false},
		{"and then enough to judge by", 54, 0, "5 of the last 64 frames were damaged or repeated", true, true},
		{"still more than a fiftieth", 100, 3, "", false, true},
		{"too few to judge", 63, 0, "", false, true},
		{"good again", 100, 0, "", true, false},
		{"a twentieth is not more than a twentieth", 100, 5, "", false, false},
		{"just more", 100, 6, "6 of the last 100 frames were damaged or repeated", true, true},
	} {
		total.FramesIn += step.frames / 2
		total.FramesOut += step.frames - step.frames/2
		total.Repeats += step.bad / 2
		total.Damaged += step.bad - step.bad/2
		complaint, changed := q.judge(total)
		if complaint != step.complaint || changed != step.changed || q.degraded != step.ill {
			t.Errorf("%s: %q, changed %v, degraded %v", step.name, complaint, changed, q.degraded)
		}
	}
}

func TestTroubleOnTheLineIsCounted(t *testing.T) {
	counts := func(t *testing.T, l *link, want Stats) {
		t.Helper()
		synctest.Wait()
		got := l.tally.stats()
		if got.BytesOut == 0 {
			t.Error("no bytes were counted")
		}
		got.BytesOut, got.BytesIn = 0, 0
		if got != want {
			t.Errorf("counted %+v, want %+v", got, want)
		}
	}
	answer := frame{typ: typResponse, payload: []byte("answer")}
	onLine("a good exchange", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typAck})
		p.send(answer)
		(<-done).is(t, "answer")
		p.expect(typAck, 0)
		counts(t, l, Stats{FramesOut: 2, FramesIn: 2})
		if in := l.tally.stats().BytesIn; in != headerLen+headerLen+6+trailerLen {
			t.Errorf("%d bytes came in", in)
		}
	})
	onLine("silence", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		for range maxSends {
			p.expect(typCommand, 0)
		}
		<-done
		counts(t, l, Stats{FramesOut: 3, Repeats: 2})
	})
	onLine("a reset that nobody answers", t, func(t *testing.T, l *link, p *peer) {
		if err := l.reset(); err == nil {
			t.Error("answered")
		}
		counts(t, l, Stats{FramesOut: 3, Repeats: 2})
	})
	onLine("a refused command", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		p.send(frame{typ: typNak})
		p.expect(typCommand, 0)
		p.send(answer)
		(<-done).is(t, "answer")
		p.expect(typAck, 0)
		counts(t, l, Stats{FramesOut: 3, FramesIn: 2, Repeats: 1, NAKs: 1})
	})
	onLine("a damaged answer, and one that came twice", t, func(t *testing.T, l *link, p *peer) {
		done := call(l, "ask")
		p.expect(typCommand, 0)
		spoilt := mustEncode(t, answer)
		spoilt[headerLen] ^= 1
		p.write(spoilt)
		p.expect(typNak, 0)
		p.send(answer)
		(<-done).is(t, "answer")
		p.expect(typAck, 0)
		p.send(answer)
		p.expect(typAck, 0)
		counts(t, l, Stats{FramesOut: 4, FramesIn: 2, Repeats: 1, NAKs: 1, Damaged: 1})
	})
}
