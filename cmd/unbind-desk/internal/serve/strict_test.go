package serve

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
)

// A request of the socket means one thing to whoever reads it.
func TestARequestHasOneMeaning(t *testing.T) {
	for body, code := range map[string]string{
		`{"terminal":"T-1"}`:                         "",
		`{"terminal":"T-1","papers":[{"type":"t"}]}`: "",
		`{"terminal":"NOPE","TERMINAL":"T-1"}`:       "E02:duplicate-member",
		`{"terminal":"NOPE","terminal":"T-1"}`:       "E02:duplicate-member",
		`{"terminal":"NOPE","term\u0069nal":"T-1"}`:  "E02:duplicate-member",
		`{"Terminal":"T-1"}`:                         "E02:duplicate-member",
		`{"reason":"a","rea\u017fon":"b"}`:           "E02:duplicate-member",
		`{"papers":[{"type":"t","type":"u"}]}`:       "E02:duplicate-member",
		`{"terminal":"T-1","stranger":1}`:            "E02:shape",
		`{"terminal":"T-1"`:                          "E02:shape",
		`{"terminal":"T-1"} {}`:                      "E02:trailing-bytes",
		`{"papers":` + strings.Repeat("[", 99) + `}`: "E02:syntax",
		``:                             "E02:shape",
		`terminal=T-1`:                 "E02:shape",
		`{"terminal":}`:                "E02:shape",
		`{"terminal":T-1}`:             "E02:shape",
		`{"terminal":"T-1",}`:          "E02:shape",
		`{"terminal":"T-1","papers":[`: "E02:shape",
		`{"papers":[{"digest":1,"number":"n","a-b":"c"}]}`: "E02:shape",
	} {
		var w desk.Wish
		if got := envelope.CodeOf(decode([]byte(body), &w)); got != code {
			t.Errorf("%s is %q, want %q", body, got, code)
		}
	}
}

// What to do next is about what went wrong.
func TestTheNextStepFits(t *testing.T) {
	for want, err := range map[string]error{
		"Upload-Offset": &answered{http.StatusConflict, envelope.Refuse("E28", "offset", "cannot take the piece")},
		"Send less":     &http.MaxBytesError{Limit: 1},
		"least-free":    &answered{http.StatusInsufficientStorage, envelope.Refuse("E27", "space", "cannot keep it")},
		"next day":      &answered{http.StatusInsufficientStorage, envelope.Refuse("E27", "day", "cannot keep it")},
	} {
		w := httptest.NewRecorder()
		(&Server{Log: zerolog.Nop()}).tell(w, httptest.NewRequest(http.MethodPatch, "/v1/uploads/C/1", nil), err)
		var told Refusal
		if json.Unmarshal(w.Body.Bytes(), &told) != nil || !strings.Contains(told.Next, want) {
			t.Errorf("%v: next is %q, want %q", err, told.Next, want)
		}
		if again := w.Header().Get("Retry-After"); (w.Code == http.StatusInsufficientStorage) != (again != "") {
			t.Errorf("%d says Retry-After %q", w.Code, again)
		}
	}
}
