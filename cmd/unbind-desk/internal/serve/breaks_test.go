package serve

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/desk"
)

// patch is a piece on its way: what is written to it arrives.
func patch(offset int) (line, *http.Request, *io.PipeWriter) {
	body, in := io.Pipe()
	r := httptest.NewRequest(http.MethodPatch, "/", body)
	r.SetPathValue("case", "C-2026-000001")
	r.SetPathValue("n", "1")
	r.Header.Set("Upload-Offset", strconv.Itoa(offset))
	r.Header.Set("Content-Type", "application/offset+octet-stream")
	r.Header.Set("Upload-Checksum", "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=") // of what does not come
	return line{httptest.NewRecorder(), body}, r, in
}

// However a piece ends before its end, what had come of it is kept, and told as far as
// it is kept; unless its terminal is at another already, which goes on from before it.
func TestWhatCameBeforeABreakStays(t *testing.T) {
	for name, c := range map[string]struct {
		why    error
		second bool
		fails  error
		kept   int
	}{
		"the end in the middle": {io.ErrUnexpectedEOF, false, nil, 300},
		"a reset":               {syscall.ECONNRESET, false, nil, 300},
		"silence":               {os.ErrDeadlineExceeded, false, nil, 300},
		"and another has begun": {syscall.ECONNRESET, true, nil, 0},
		"and the disk is full":  {syscall.ECONNRESET, false, syscall.ENOSPC, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Server{Log: zerolog.Nop(), Limits: DefaultLimits()}
			to := &growing{file: []byte("before"), fails: c.fails}
			w, r, in := patch(len(to.file))
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				if err := s.pieceTo(to, w, r, desk.Caller{Terminal: "T-1"}); err != nil {
					s.tell(w, r, err)
				}
			}()
			if _, err := in.Write(make([]byte, 300)); err != nil {
				t.Fatal(err)
			}
			if c.second {
				if _, ok := s.uploading.take("T-1", s.Limits, func() {}); !ok {
					t.Fatal("there is no second place")
				}
			}
			_ = in.CloseWithError(c.why) // never fails
			<-ended
			want := http.StatusRequestTimeout
			if c.fails != nil {
				want = http.StatusInsufficientStorage
			}
			if len(to.file) != 6+c.kept || w.Code != want {
				t.Fatalf("%d bytes are there, answered %d", len(to.file), w.Code)
			}
			if told := w.Header().Get("Upload-Offset"); !c.second && told != strconv.Itoa(len(to.file)) {
				t.Errorf("%s bytes are told of %d", told, len(to.file))
			}
		})
	}
}
