package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// senders are terminals that send pieces as fast as they are let.
type senders struct {
	*testing.T
	*Server
	mu           sync.Mutex
	reading      int // pieces that are in memory
	most, queued int
	refused      int
	ends         sync.WaitGroup
}

// arriving is the body of a piece, which takes its time.
type arriving struct {
	of   *senders
	left int
}

func (a *arriving) Read(p []byte) (int, error) {
	if a.left == 0 {
		return 0, io.EOF
	}
	a.of.mu.Lock()
	a.of.reading++
	a.of.most = max(a.of.most, a.of.reading)
	a.of.uploading.mu.Lock()
	a.of.queued = max(a.of.queued, len(a.of.uploading.queue))
	a.of.uploading.mu.Unlock()
	a.of.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	n := copy(p, make([]byte, a.left))
	a.left -= n
	return n, nil
}

func (*arriving) Close() error { return nil }

// read is the desk behind it: a piece that is written is in memory no more.
type read struct {
	*growing
	of *senders
}

func (r read) Piece(who desk.Caller, id envelope.ID, n, offset int64, chunk []byte) (desk.Progress, error) {
	defer func() { r.of.mu.Lock(); r.of.reading--; r.of.mu.Unlock() }()
	return r.growing.Piece(who, id, n, offset, chunk)
}

// piece sends one, and comes again as it is told.
func (s *senders) piece(terminal envelope.ID, to *growing) {
	for {
		body := &arriving{s, 300}
		r := httptest.NewRequest(http.MethodPatch, "/", body)
		r = r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{}))
		r.SetPathValue("case", "C-2026-000001")
		r.SetPathValue("n", "1")
		r.Header.Set("Upload-Offset", strconv.Itoa(len(to.file)))
		r.Header.Set("Content-Type", "application/offset+octet-stream")
		w := line{ResponseRecorder: httptest.NewRecorder()}
		err := s.pieceTo(read{to, s}, w, r, desk.Caller{Terminal: terminal})
		if err == nil {
			return
		}
		again, wrong := strconv.Atoi(w.Header().Get("Retry-After"))
		if statusOf(err) != http.StatusServiceUnavailable || wrong != nil {
			s.Errorf("%s is answered %v, to come again in %d s", terminal, err, again)
			return
		}
		s.mu.Lock()
		s.refused++
		s.mu.Unlock()
		time.Sleep(time.Duration(again) * time.Second)
	}
}

// Terminals that send one piece after the other without an end, a moment apart, hold
// every place, and may fill the queue. Whoever else comes gets through beside them, however many they are,
// and there are never more pieces in memory than places.
func TestEverybodyGetsThroughBesideFastSenders(t *testing.T) {
	for _, c := range []struct{ fast, others int }{{uploads, 1}, {uploads, 40}, {uploads, 300}, {uploads + mostQueued, 40}} {
		t.Run(fmt.Sprint(c.others, " beside ", c.fast), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &senders{T: t, Server: &Server{Log: zerolog.Nop(), Limits: DefaultLimits(), stopping: make(chan struct{})}}
				over := make(chan struct{})
				var fast sync.WaitGroup
				for i := range c.fast {
					fast.Go(func() {
						for to := (&growing{}); ; {
							select {
							case <-over:
								return
							default:
								s.piece(envelope.ID(fmt.Sprint("T-fast-", i)), to)
							}
						}
					})
				}
				synctest.Wait() // they have every place
				for i := range c.others {
					s.ends.Go(func() {
						to := &growing{}
						time.Sleep(time.Duration(1+i%49) * time.Millisecond) // never when a place is given back
						for range 5 {
							s.piece(envelope.ID(fmt.Sprint("T-", i)), to)
						}
					})
				}
				through := make(chan struct{})
				go func() { s.ends.Wait(); close(through) }()
				select {
				case <-through:
				case <-time.After(time.Hour):
					t.Error("after an hour not everybody is through")
				}
				close(over)
				<-through
				fast.Wait()
				if s.most > uploads || s.queued > mostQueued || len(s.uploading.had) > mostHad {
					t.Errorf("%d pieces were in memory, %d stood in the queue, %d are remembered", s.most, s.queued, len(s.uploading.had))
				}
				if s.most < uploads || c.others > mostQueued && s.refused == 0 {
					t.Errorf("%d pieces at once, %d told to come again: it was never full", s.most, s.refused)
				}
			})
		})
	}
}

// Who stands in the queue is let in by who has waited the longest, is told to come again
// when his time is over, and takes no place of those who are ahead of him.
func TestTheQueueIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		l := DefaultLimits()
		var held []*place
		for i := range uploads {
			p, ok := s.take(envelope.ID(fmt.Sprint("T-", i)), l, func() {})
			if !ok {
				t.Fatalf("there is no place %d", i)
			}
			held = append(held, p)
		}
		in := make(chan string, 3)
		for _, name := range []string{"first", "second", "third"} {
			go func() {
				if _, ok := s.turn(t.Context(), wish{terminal: envelope.ID(name)}, l, func() {}, nil); !ok {
					name += ", and has to come again"
				}
				in <- name
			}()
			synctest.Wait()
		}
		if _, ok := s.turn(t.Context(), wish{terminal: "first"}, l, func() {}, nil); ok {
			t.Error("a terminal has two places in the queue, or overtook")
		}
		for i, want := range []string{"first", "second", "third, and has to come again"} {
			if i < 2 {
				held[i].release()
			}
			if got := <-in; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if len(s.queue) != 0 || len(s.held) != uploads {
			t.Errorf("%d are queued, %d held", len(s.queue), len(s.held))
		}
	})
}

// Files that come whole and are longer than a piece leave half of the places to others.
func TestLongFilesLeavePlaces(t *testing.T) {
	var s slots
	l := DefaultLimits()
	l.Turn = 0
	for i := range uploads {
		_, ok := s.turn(t.Context(), wish{terminal: envelope.ID(fmt.Sprint("T-", i)), long: true}, l, func() {}, nil)
		if ok != (i < uploadsLong) {
			t.Errorf("long file %d has a place: %v", i, ok)
		}
	}
	for i := range uploads - uploadsLong {
		if _, ok := s.turn(t.Context(), wish{terminal: envelope.ID(fmt.Sprint("T-short-", i))}, l, func() {}, nil); !ok {
			t.Errorf("there is no place for piece %d beside them", i)
		}
	}
}

// What comes whole over a broker takes places of the broker's while it waits here, and so
// has few in the queue.
func TestFewWaitWhoseFilesAreHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		for i := range uploads {
			if _, ok := s.take(envelope.ID(fmt.Sprint("T-", i)), DefaultLimits(), func() {}); !ok {
				t.Fatalf("there is no place %d", i)
			}
		}
		var waiting sync.WaitGroup
		for i := range 2 * mostHere {
			for _, here := range []bool{true, false} {
				waiting.Go(func() {
					s.turn(t.Context(), wish{terminal: envelope.ID(fmt.Sprint("T-", here, i)), here: here}, DefaultLimits(), func() {}, nil)
				})
			}
		}
		synctest.Wait()
		s.mu.Lock()
		if len(s.queue) != 3*mostHere {
			t.Errorf("%d wait", len(s.queue))
		}
		s.mu.Unlock()
		waiting.Wait()
	})
}
