package device

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestCandidatesAreTheFirstSpeedsOfAllThenTheSecond(t *testing.T) {
	all := Config{Driver: DriverAuto}.candidates()
	for i, d := range drivers {
		if all[i].driver.name != d.name || all[i].baud != d.bauds[0] {
			t.Errorf("candidate %d is %v", i, all[i])
		}
	}
	total := 0
	for _, d := range drivers {
		total += len(d.bauds)
		for _, baud := range d.bauds {
			if !slices.ContainsFunc(all, candidate{d, baud}.is) {
				t.Errorf("%s at %d is not among them", d.name, baud)
			}
			if speeds[baud] == 0 {
				t.Errorf("%s names %d baud, which no line has", d.name, baud)
			}
		}
	}
	if len(all) != total {
		t.Errorf("%d candidates, want %d", len(all), total)
	}
}

func TestWhatIsSetIsNeverReplaced(t *testing.T) {
	for _, c := range (Config{Driver: "pedlink"}).candidates() {
		if c.driver.name != "pedlink" {
			t.Errorf("candidate %v", c)
		}
	}
	for _, c := range (Config{Driver: DriverAuto, Baud: 38400}).candidates() {
		if c.baud != 38400 {
			t.Errorf("candidate %v", c)
		}
	}
	for _, d := range DriverNames() {
		one := Config{Driver: d, Baud: 500000}.candidates()
		if len(one) != 1 || one[0].driver.name != d || one[0].baud != 500000 {
			t.Errorf("candidates %v", one)
		}
	}
}

func TestRoundIsBounded(t *testing.T) {
	patience := RetryConfig{}.withDefaults()
	var usual, worst time.Duration
	for _, c := range (Config{Driver: DriverAuto}).candidates() {
		l := newLine(nil, c.baud, patience)
		usual += hushTime(l) + candidateTime(l)
		worst += mostHushes*hushTime(l) + candidateTime(l)
	}
	// docs/LINE.md says so.
	if usual > 25*time.Second || worst > 35*time.Second {
		t.Errorf("a round takes up to %v, on a line that is never quiet %v", usual, worst)
	}
}

func TestMemoryIsDoubtedAfterThreeMisses(t *testing.T) {
	all := Config{Driver: "pedlink"}.candidates()
	var m memory
	if m.trusted() || !slices.EqualFunc(m.first(all), all, candidate.is) {
		t.Error("it begins with a memory")
	}
	m.remember(all[2])
	for range missesBeforeProbing {
		if !m.trusted() {
			t.Error("doubted too early")
		}
		m.misses++
	}
	if m.trusted() {
		t.Error("never doubted")
	}
	round := m.first(all)
	if !round[0].is(all[2]) || len(round) != len(all) || !round[1].is(all[0]) {
		t.Errorf("round %v", round)
	}
	if m.remember(all[1]); !m.trusted() || !m.found.is(all[1]) {
		t.Errorf("memory %+v", m)
	}
}

// asked is a candidate whose driver does what the test says.
func asked(name string, converse func(l *line, o *Options) error) candidate {
	return candidate{baud: 115200, driver: driver{
		name: name, stopBits: 1,
		converse: func(l *line, o *Options, _ func(State)) (conversation, error) { return nil, converse(l, o) },
	}}
}

// onPTY is a reader that does not run, and the other end of its line.
func onPTY(t *testing.T, retry RetryConfig) (*Reader, *os.File) {
	master, path := newPTY(t)
	secret, err := NewSecret(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(Config{Driver: DriverAuto, Path: path}, Options{Pairing: secret, Successor: secret, Retry: retry})
	return r, master
}

func TestProbeStopsAtTheFirstAnswerAndGivesTheLineBack(t *testing.T) {
	r, _ := onPTY(t, RetryConfig{})
	var order []string
	say := func(name string, err error) candidate {
		return asked(name, func(*line, *Options) error { order = append(order, name); return err })
	}
	found, err := r.probe([]candidate{say("a", ErrTimeout), say("b", nil), say("c", nil)})
	if err != nil || found.driver.name != "b" || !slices.Equal(order, []string{"a", "b"}) {
		t.Errorf("found %v, asked %v, %v", found, order, err)
	}
	if r.Status().State != StateProbing {
		t.Errorf("status %+v", r.Status())
	}
	p, err := openPort(r.config.Path, plain(9600, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestProbeKnowsNoKey(t *testing.T) {
	r, _ := onPTY(t, RetryConfig{})
	_, err := r.probe([]candidate{asked("curious", func(l *line, o *Options) error {
		if len(o.pairingKeys()) > 0 || !o.Pairing.IsZero() || !o.Successor.IsZero() {
			t.Error("the pairing key is there")
		}
		if l.retry.Ack != 100*time.Millisecond || l.retry.Response != 300*time.Millisecond {
			t.Errorf("patience %+v", l.retry)
		}
		return nil
	})})
	if err != nil {
		t.Error(err)
	}
	if len(r.options.pairingKeys()) != 2 {
		t.Error("and gone for good")
	}
}

func TestSilentRoundIsToldInOneSentence(t *testing.T) {
	r, _ := onPTY(t, RetryConfig{})
	deaf := asked("deaf", func(*line, *Options) error { return ErrTimeout })
	_, err := r.probe([]candidate{deaf, deaf})
	want := "no reader answers: 2 protocols and speeds were tried, from deaf at 115200 baud to deaf at 115200 baud"
	if err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
}

func TestProbeEndsWhereNoCandidateCanDoBetter(t *testing.T) {
	r, _ := onPTY(t, RetryConfig{})
	never := asked("never", func(*line, *Options) error { t.Error("asked"); return nil })
	held, err := openPort(r.config.Path, plain(9600, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.probe([]candidate{never, never}); !errors.Is(err, ErrBusy) {
		t.Errorf("held line: %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	r.config.Path = filepath.Join(t.TempDir(), "nothing")
	if _, err := r.probe([]candidate{never, never}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no line: %v", err)
	}
}

// A driver that waits for ever is cut off, and the next one is asked.
func TestCandidateIsCutOff(t *testing.T) {
	r, _ := onPTY(t, RetryConfig{Probe: time.Millisecond})
	waits := asked("waits", func(l *line, _ *Options) error { <-l.dead; return l.cause })
	answers := asked("answers", func(*line, *Options) error { return nil })
	if found, err := r.probe([]candidate{waits, answers}); err != nil || found.driver.name != "answers" {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestCloseEndsProbing(t *testing.T) {
	_, path := newPTY(t) // nobody answers here
	begun := make(chan struct{}, 1)
	notify := func(s Status) {
		if s.State == StateProbing {
			begun <- struct{}{}
		}
	}
	r := New(Config{Driver: DriverAuto, Path: path}, Options{Notify: notify, Retry: RetryConfig{Probe: time.Hour, Gap: time.Hour}})
	<-begun
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// hasty is a reader of another protocol: a frame that begins with 02 announces more bytes than ever come, so it takes
// everything for that frame until the line is silent for its gap. To a question of its own it answers.
func hasty(master *os.File, gap time.Duration) {
	buf := make([]byte, 64)
	waiting := false
	for {
		deadline := time.Time{}
		if waiting {
			deadline = time.Now().Add(gap)
		}
		if master.SetReadDeadline(deadline) != nil {
			return // closed: the test is over
		}
		n, err := master.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			waiting = false
		case err != nil:
			return
		case n > 0 && buf[0] == 0x02:
			waiting = true
		case n > 0 && !waiting:
			if _, err := master.Write([]byte("here")); err != nil {
				return
			}
		}
	}
}

// A frame of one protocol must not swallow the question of the next: between them the line is quiet for longer than
// any reader waits for the rest of a frame.
func TestLineIsQuietBetweenCandidates(t *testing.T) {
	r, master := onPTY(t, RetryConfig{Gap: 300 * time.Millisecond, Probe: 3 * time.Second})
	kept, err := os.OpenFile(r.config.Path, os.O_RDWR, 0) // so that the master does not see the slave closed in between
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	go hasty(master, 50*time.Millisecond)
	swallows := asked("swallows", func(l *line, _ *Options) error {
		return errors.Join(ErrTimeout, l.write([]byte{0x02, 0x17, 0x00}))
	})
	asks := asked("asks", func(l *line, _ *Options) error {
		if err := l.write([]byte("who?")); err != nil {
			return err
		}
		answer := make([]byte, 4)
		_, err := io.ReadFull(l.port, answer)
		return err
	})
	if found, err := r.probe([]candidate{swallows, asks}); err != nil || found.driver.name != "asks" {
		t.Errorf("found %v, %v", found, err)
	}
}

// What a reader says late, in the quiet, is not taken for the answer to the next question.
func TestLateAnswersAreThrownAway(t *testing.T) {
	r, master := onPTY(t, RetryConfig{Gap: 100 * time.Millisecond})
	l, p, err := r.openLine(candidate{driver: drivers[0], baud: 115200}, r.options.Retry)
	if err != nil {
		t.Fatal(err)
	}
	defer l.fail(io.EOF)
	if _, err := master.Write([]byte("late")); err != nil {
		t.Fatal(err)
	}
	if err := waitReadable(p.control); err != nil {
		t.Fatal(err)
	}
	if err := r.hush(l, p); err != nil {
		t.Fatal(err)
	}
	if _, err := master.Write([]byte("fresh")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(l.port, got); err != nil || string(got) != "fresh" {
		t.Errorf("%q %v", got, err)
	}
}
