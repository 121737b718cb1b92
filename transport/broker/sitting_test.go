package broker

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func deskOf(h http.HandlerFunc) *Desk { return &Desk{Handler: h, Now: time.Now} }

// A handler that gives up costs its question and not the desk.
func TestAPanicIsAnAnswer(t *testing.T) {
	var told error
	d := deskOf(func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	d.Told = func(_ string, err error) { told = err }
	if a := d.hand(t.Context(), Question{Method: "GET", Path: "/v1/time"}, nil); a.Code != http.StatusInternalServerError {
		t.Errorf("answered %d", a.Code)
	}
	if told == nil || !strings.Contains(told.Error(), "on purpose") {
		t.Errorf("told: %v", told)
	}
}

// Of an answer that is too long nothing is signed, and least of all an empty success.
func TestAnAnswerThatIsTooLongIsNone(t *testing.T) {
	d := deskOf(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		for range 2 {
			_, _ = w.Write(make([]byte, maxBody/2+1)) // a handler may not look
		}
		_, _ = w.Write([]byte("end"))
	})
	a := d.hand(t.Context(), Question{Method: "GET", Path: "/v1/time"}, nil)
	if a.Code != http.StatusInternalServerError || len(a.Body) != 0 || a.Header.Get("ETag") != "" {
		t.Errorf("answered %d with %d bytes and %v", a.Code, len(a.Body), a.Header)
	}
}

// No sender takes the places of all the others, least of all one that nobody knows.
func TestNobodyTakesEveryPlace(t *testing.T) {
	s := newSitting(deskOf(nil), nil)
	var ends []func()
	taken := func(open bool, topic func(i int) string) (n int) {
		for i := range 2 * atOnce {
			if done, ok := s.begin(topic(i), fmt.Sprint(i), open); ok {
				ends, n = append(ends, done), n+1
			}
		}
		return n
	}
	if n := taken(true, func(i int) string { return fmt.Sprintf("r/%d/up", i) }); n != openAtOnce {
		t.Errorf("nobody known took %d places", n)
	}
	if n := taken(false, func(int) string { return "t/one/up" }); n != topicShare {
		t.Errorf("one topic took %d places", n)
	}
	if n := taken(false, func(i int) string { return fmt.Sprintf("t/%d/up", i) }); n != atOnce-openAtOnce-topicShare {
		t.Errorf("the others took %d places", n)
	}
	for _, end := range ends {
		end()
	}
	if len(s.busy) != 0 || len(s.topic) != 0 || s.open != 0 {
		t.Errorf("left: %d, %d, %d", len(s.busy), len(s.topic), s.open)
	}
}

// What nobody signs is never kept for want of its other parts, whoever's topic it
// is on.
func TestWhatNobodySignsIsOneMessage(t *testing.T) {
	s := newSitting(deskOf(nil), nil)
	first := fmt.Sprintf(`{"id":%q,"method":"PUT","part":1,"parts":2,"path":"/v1/time","v":1}`, strings.Repeat("a", 2*idSize))
	for _, topic := range []string{"r/pos-1/up", "t/pos-1/up"} {
		if err := s.serve(t.Context(), topic, []byte(first+"\nx")); err == nil || len(s.parts.open) != 0 {
			t.Errorf("%s: %v; %d are kept", topic, err, len(s.parts.open))
		}
	}
}

// Whoever makes the desk drop questions does not fill its log.
func TestDroppedQuestionsAreToldNowAndThen(t *testing.T) {
	var told []error
	now := time.Now()
	d := &Desk{Now: func() time.Time { return now }, Told: func(_ string, err error) { told = append(told, err) }}
	for range 1000 {
		d.tell("t/x/up", errors.New("dropped"))
	}
	now = now.Add(time.Minute)
	d.tell("t/x/up", errors.New("dropped"))
	if len(told) != 2 || !strings.Contains(told[1].Error(), "999 more") {
		t.Errorf("%d were told: %v", len(told), told)
	}
}

// Parts that carry nothing, and names of parts that never come, are not free.
func TestOpenBodiesHaveABound(t *testing.T) {
	a := newAssembly(1 << 20)
	id := func(i int) string { return fmt.Sprintf("%032x", i) }
	for i := range 10_000 {
		a.add(fmt.Sprint("t/", i, "/up"), head{ID: id(i), Part: 1, Parts: 513}, nil)
	}
	if len(a.open) != 0 || a.bytes != 0 {
		t.Errorf("%d bodies without a byte are kept", len(a.open))
	}
	for i := range 10_000 {
		a.add("t/one/up", head{ID: id(i), Part: 1, Parts: 513}, []byte{1})
	}
	if len(a.open) != openTopic {
		t.Errorf("one topic keeps %d bodies", len(a.open))
	}
	for i := range 10_000 {
		a.add(fmt.Sprint("t/", i, "/up"), head{ID: id(i), Part: 1, Parts: 513}, []byte{1})
	}
	if n := len(a.open); n > a.most/(partCost*513) || a.bytes > a.most {
		t.Errorf("%d bodies are kept for %d bytes of %d", n, a.bytes, a.most)
	}
	a = newAssembly(openMost)
	for i := range 10_000 {
		a.add(fmt.Sprint("t/", i, "/up"), head{ID: id(i), Part: 1, Parts: 2}, []byte{1})
	}
	if len(a.open) != openAll {
		t.Errorf("%d bodies are kept", len(a.open))
	}
	a.now = func() time.Time { return time.Now().Add(time.Hour) }
	a.add("t/late/up", head{ID: id(1), Part: 1, Parts: 2}, []byte{1})
	if got, whole := a.add("t/late/up", head{ID: id(1), Part: 2, Parts: 2}, []byte{2}); !whole || !bytes.Equal(got, []byte{1, 2}) {
		t.Errorf("later: %v, %v", got, whole)
	}
	if len(a.open) != 0 || a.bytes != 0 || a.queue.Len() != 0 || len(a.topic) != 0 {
		t.Errorf("left: %d, %d bytes, %d, %d", len(a.open), a.bytes, a.queue.Len(), len(a.topic))
	}
}
