package device

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// ccidPeer is the reader's end of a line, played by the test inside a synctest bubble: script is asked what to
// send back for each whole frame, byte for byte.
type ccidPeer struct {
	conn   net.Conn
	heard  []ccidMessage
	script func(n int, m ccidMessage) [][]byte

	recalled int    // how often we said that we understood nothing
	again    []byte // what that brings
}

func newCcidPeer(t *testing.T, script func(n int, m ccidMessage) [][]byte) (*ccidLink, *ccidPeer) {
	ours, theirs := net.Pipe()
	l := newCcidLink(newLine(ours, 115200, RetryConfig{}.withDefaults()))
	p := &ccidPeer{conn: theirs, script: script}
	go l.receive(ccidLongest, l.take)
	go p.run()
	t.Cleanup(func() {
		l.fail(io.ErrClosedPipe)
		_ = theirs.Close() // a pipe has nothing to lose
	})
	return l, p
}

func (p *ccidPeer) run() {
	var d ccidDecoder
	buf := make([]byte, ccidLongest)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return
		}
		d.feed(buf[:n])
		for m, s := d.next(); s != ccidNothing; m, s = d.next() {
			if s == ccidRefusal {
				p.recalled++
				if _, err := p.conn.Write(p.again); err != nil {
					return
				}
			}
			if s != ccidHasMessage {
				continue
			}
			m.data = bytes.Clone(m.data)
			p.heard = append(p.heard, m)
			for _, b := range p.script(len(p.heard), m) {
				if _, err := p.conn.Write(b); err != nil {
					return
				}
			}
		}
	}
}

// count is how many frames were heard, when all is quiet.
func (p *ccidPeer) count() int {
	synctest.Wait()
	return len(p.heard)
}

// answerTo is a good answer with data.
func answerTo(m ccidMessage, data ...byte) ccidMessage {
	return ccidMessage{kind: ccidAnswers[m.kind], slot: m.slot, seq: m.seq, data: data}
}

func spoiledLRC(m ccidMessage) []byte {
	raw := m.encode()
	raw[len(raw)-1] ^= 1
	return raw
}

var (
	nakOfCcid = []byte{ccidSync, ccidNak, ccidNakEnd}
	askStatus = ccidMessage{kind: ccidSlotStatus, slot: 1}
	askCard   = ccidMessage{kind: ccidXfrBlock, slot: 1, data: []byte{0, 0x84, 0, 0, 8}}
)

func TestCcidAnswersThatAreTaken(t *testing.T) {
	for name, script := range map[string]func(n int, m ccidMessage) [][]byte{
		"at once":           func(_ int, m ccidMessage) [][]byte { return [][]byte{answerTo(m, 7).encode()} },
		"behind an echo":    func(_ int, m ccidMessage) [][]byte { return [][]byte{m.encode(), answerTo(m, 7).encode()} },
		"behind noise":      func(_ int, m ccidMessage) [][]byte { return [][]byte{{0, 3, 6, 0x50}, answerTo(m, 7).encode()} },
		"after a card came": func(_ int, m ccidMessage) [][]byte { return [][]byte{{0x50, 3}, answerTo(m, 7).encode()} },
		"after time":        func(_ int, m ccidMessage) [][]byte { return [][]byte{{0x81}, {0x82}, answerTo(m, 7).encode()} },
		"after a NAK": func(n int, m ccidMessage) [][]byte {
			return [][]byte{[][]byte{nil, nakOfCcid, answerTo(m, 7).encode()}[min(n, 2)]}
		},
		"after echo and NAK": func(n int, m ccidMessage) [][]byte {
			return [][]byte{m.encode(), [][]byte{nil, nakOfCcid, answerTo(m, 7).encode()}[min(n, 2)]}
		},
		"byte by byte": func(_ int, m ccidMessage) [][]byte {
			return slices.Collect(slices.Chunk(answerTo(m, 7).encode(), 1))
		},
		"after a late answer to the last command": func(_ int, m ccidMessage) [][]byte {
			late := answerTo(m, 6)
			late.seq--
			return [][]byte{late.encode(), answerTo(m, 7).encode()}
		},
		"of another socket first": func(_ int, m ccidMessage) [][]byte {
			other := answerTo(m, 6)
			other.slot++
			return [][]byte{other.encode(), answerTo(m, 7).encode()}
		},
		"after a time extension": func(_ int, m ccidMessage) [][]byte {
			later := answerTo(m)
			later.fields[0] = ccidLater
			return [][]byte{later.encode(), answerTo(m, 7).encode()}
		},
		"behind a damaged one, together": func(_ int, m ccidMessage) [][]byte {
			return [][]byte{append(spoiledLRC(answerTo(m, 6)), answerTo(m, 7).encode()...)}
		},
	} {
		for _, m := range []ccidMessage{askStatus, askCard} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l, _ := newCcidPeer(t, script)
					answer, err := l.ask(m, time.Second, time.Minute)
					if err != nil || !bytes.Equal(answer.data, []byte{7}) {
						t.Errorf("%x %v", answer.data, err)
					}
				})
			})
		}
	}
}

// TestCcidRepeatsWhatHarmsNothing loses and spoils answers to a question: it is asked again, as another one.
func TestCcidRepeatsWhatHarmsNothing(t *testing.T) {
	for name, first := range map[string]func(m ccidMessage) []byte{
		"lost":    func(ccidMessage) []byte { return nil },
		"damaged": func(m ccidMessage) []byte { return spoiledLRC(answerTo(m, 6)) },
		"half":    func(m ccidMessage) []byte { return answerTo(m, 6).encode()[:9] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, p := newCcidPeer(t, func(n int, m ccidMessage) [][]byte {
					if n < ccidSends {
						return [][]byte{first(m)}
					}
					return [][]byte{answerTo(m, 7).encode()}
				})
				answer, err := l.ask(askStatus, time.Second, time.Minute)
				if err != nil || !bytes.Equal(answer.data, []byte{7}) {
					t.Errorf("%x %v", answer.data, err)
				}
				if p.count() != 3 || p.heard[0].seq == p.heard[1].seq {
					t.Errorf("the reader heard %+v", p.heard)
				}
			})
		})
	}
}

// TestCcidNeverRepeatsABlockForACard is the rule that a payment rests on: the module may have executed it.
func TestCcidNeverRepeatsABlockForACard(t *testing.T) {
	for name, script := range map[string]func(m ccidMessage) [][]byte{
		"answer lost":          func(ccidMessage) [][]byte { return nil },
		"answer damaged":       func(m ccidMessage) [][]byte { return [][]byte{spoiledLRC(answerTo(m, 6))} },
		"NAK behind a request": func(ccidMessage) [][]byte { return [][]byte{{0x81}, nakOfCcid} },
		"NAK in the rest of an answer": func(m ccidMessage) [][]byte {
			return [][]byte{answerTo(m, ccidSync, ccidNak, ccidNakEnd, 0x90, 0).encode()[3 : ccidHeaderLen+3]}
		},
		"NAK at the beginning of the rest": func(m ccidMessage) [][]byte {
			return [][]byte{answerTo(m, ccidSync, ccidNak, ccidNakEnd, 0x10, 0).encode()[ccidHeaderLen:]}
		},
		"NAK at the beginning, in pieces": func(m ccidMessage) [][]byte {
			rest := answerTo(m, ccidSync, ccidNak, ccidNakEnd, 0x10, 0).encode()[ccidHeaderLen:]
			return [][]byte{rest[:3], rest[3:5]} // 10 00
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, p := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte { return script(m) })
				if _, err := l.ask(askCard, time.Second, time.Minute); !errors.Is(err, errUnheard) {
					t.Errorf("%v", err)
				}
				if p.count() != 1 || !l.isAlive() {
					t.Errorf("heard %d times, line alive: %v", p.count(), l.isAlive())
				}
			})
		})
	}
}

// TestCcidAsksForALastAnswerAgain spoils the answer of a card, which its reader still has.
func TestCcidAsksForALastAnswerAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte { return [][]byte{spoiledLRC(answerTo(m, 7))} })
		lastAnswer := answerTo(askCard, 7)
		lastAnswer.seq = 1
		p.again = lastAnswer.encode()
		answer, err := l.ask(askCard, time.Second, time.Minute)
		if err != nil || !bytes.Equal(answer.data, []byte{7}) || p.count() != 1 || p.recalled != 1 {
			t.Errorf("%x %v, heard %d times, recalled %d times", answer.data, err, p.count(), p.recalled)
		}
	})
}

func TestCcidRefusalOfARecallIsNoneOfTheCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte { return nil })
		p.again = nakOfCcid
		if _, err := l.ask(askCard, time.Second, time.Minute); !errors.Is(err, errUnheard) || p.count() != 1 || p.recalled != 2 {
			t.Errorf("%v, heard %d times, recalled %d times", err, p.count(), p.recalled)
		}
	})
}

func TestCcidLosesALineWithoutAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		script func(m ccidMessage) [][]byte
		want   string
	}{
		"silent":     {func(ccidMessage) [][]byte { return nil }, "no answer to 3 sends"},
		"only a NAK": {func(ccidMessage) [][]byte { return [][]byte{nakOfCcid} }, "no answer to 3 sends"},
		"a loop":     {func(m ccidMessage) [][]byte { return [][]byte{m.encode()} }, "no answer to 3 sends, only their echo"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, p := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte { return c.script(m) })
				_, err := l.ask(askStatus, time.Second, time.Minute)
				if !errors.Is(err, ErrTimeout) || !strings.HasSuffix(err.Error(), c.want) || p.count() != ccidSends || l.isAlive() {
					t.Errorf("%v, heard %d times, line alive: %v", err, p.count(), l.isAlive())
				}
				if _, err := l.ask(askStatus, time.Second, time.Minute); !errors.Is(err, ErrAbsent) {
					t.Errorf("on a dead line: %v", err)
				}
			})
		})
	}
}

func TestCcidBoundsWhatAReaderAsksFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := newCcidPeer(t, func(int, ccidMessage) [][]byte {
			return [][]byte{{0x81}}
		})
		begin := time.Now()
		stop := make(chan struct{})
		defer close(stop)
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(500 * time.Millisecond):
					l.take([]byte{0xFF})
				}
			}
		}()
		if _, err := l.ask(askCard, time.Second, 20*time.Second); !errors.Is(err, errUnheard) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(begin); waited < 20*time.Second || waited > 22*time.Second {
			t.Errorf("waited %v", waited)
		}
	})
}

func TestCcidFailuresAreTold(t *testing.T) {
	for code, want := range map[byte]error{
		ccidNoSlot: ErrRefused{Code: CodeNoSocket, Text: "no such socket (ccid 05)"},
		ccidMute:   ErrRefused{Code: CodeCardMute, Text: "card does not answer (ccid FE)"},
		ccidBusy:   ErrRefused{Text: "socket is busy (ccid E0)"},
		0x0A:       ErrRefused{Text: "field at byte 10 is wrong (ccid 0A)"},
		0x90:       ErrRefused{Text: "error of the maker (ccid 90)"},
		0xD0:       ErrRefused{Text: "unknown error (ccid D0)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := newCcidPeer(t, func(_ int, m ccidMessage) [][]byte {
				a := answerTo(m)
				a.fields = [3]byte{ccidFailed | ccidInactive, code, 0}
				return [][]byte{a.encode()}
			})
			_, err := l.ask(askStatus, time.Second, time.Minute)
			if got := asRefusal(err); got != want {
				t.Errorf("%02X: %v, not %v", code, got, want)
			}
		})
	}
}

// TestCcidCallerMayLeave checks that a command whose caller is gone still keeps the line to itself.
func TestCcidCallerMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, p := newCcidPeer(t, func(n int, m ccidMessage) [][]byte {
			if n == 1 {
				return nil
			}
			return [][]byte{answerTo(m).encode()}
		})
		c := &ccid{link: l, turn: newTurn(), modules: make([]*module, 2)}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := c.samSlots(ctx); !errors.Is(err, ErrTimeout) {
			t.Errorf("%v", err)
		}
		all, err := c.samSlots(t.Context())
		if err != nil || len(all) != 2 || !all[0].Card || all[1].Card {
			t.Errorf("%+v %v", all, err)
		}
		if p.count() != 5 { // one lost, and twice two
			t.Errorf("heard %d", p.count())
		}
	})
}
