package transporttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"unbindd/transport"
)

// besideObjects sets what a desk sends of its log beside whatever is said of an object:
// words that say what was asked.
func besideObjects(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/v1/cases/") {
		return
	}
	w.Header().Set("Unbindd-Log-Proof", "proof")
	if size := r.Header.Get("Unbindd-Log-Size"); size != "" {
		w.Header().Set("Unbindd-Log-Growth", "since "+size)
	}
}

func grew(w http.ResponseWriter, r *http.Request) {
	if len(r.TLS.PeerCertificates) > 0 {
		refuse(w, http.StatusForbidden, "E09", "the log is everybody's")
		return
	}
	fmt.Fprintf(w, "from %s to %s", r.PathValue("m"), r.PathValue("n"))
}

// carriesTheLog: a link tells the size that it is given with each question that a receipt
// may answer, brings what came beside the answer, and changes neither; or it says that
// it heard nothing.
func carriesTheLog(t *testing.T, link transport.Link, _ Peer) {
	asks, carries := link.(interface {
		Growth(ctx context.Context, from, to int64) ([]byte, error)
	})
	file := bytes.Repeat([]byte("f"), 300_000)
	for _, size := range []int64{0, 7} {
		for name, ask := range map[string]func(context.Context) error{
			"put": func(c context.Context) error {
				_, err := link.Put(c, transport.Object{Case: "case-1", Kind: "answer", N: size + 1}, []byte("{}"))
				return err
			},
			"upload": func(c context.Context) error {
				_, err := link.Upload(c, transport.Object{Case: "case-1", Kind: "backup", N: size + 1}, int64(len(file)), digest(file), func() (io.ReadCloser, error) {
					return io.NopCloser(bytes.NewReader(file)), nil
				})
				return err
			},
			"reveal": func(c context.Context) error {
				_, err := link.Reveal(c, fmt.Sprint("case-", size), []byte("r"))
				return err
			},
		} {
			l := &transport.Log{Size: size}
			err := ask(transport.WithLog(t.Context(), l))
			if carries && err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := transport.Log{Size: size}
			if carries {
				want.Heard, want.Proof = true, "proof"
				if size > 0 {
					want.Growth = fmt.Sprint("since ", size)
				}
			}
			if *l != want {
				t.Errorf("%s: heard %+v, want %+v", name, *l, want)
			}
		}
	}
	if !carries {
		return
	}
	if got, err := asks.Growth(t.Context(), 3, 7); err != nil || string(got) != "from 3 to 7" {
		t.Errorf("growth: %q, %v", got, err)
	}
}
