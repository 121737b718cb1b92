package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"unbindd/agent/envelope"
)

// deskProcess is the real desk, in the test binary of its own package (see
// handshake_test.go there): every request names the state of its store, and the
// answer names the next. The same request to the same state is asked once.
type deskProcess struct {
	to    *json.Encoder
	from  *json.Decoder
	known map[string]deskAnswer
	views map[int]deskView
}

type deskSetUp struct {
	Trust, Profile, Binding, Command, Earlier []byte
	Receipts, Enrols                          []byte
	Opener                                    string
	Now                                       int64
}

type deskAsked struct {
	From int
	Op   string
	Case string
	N    int64
	Body []byte
	Size int64
	Sum  string // digest, or nothing
	Kill string
	Bug  string
	Late bool
}

type deskAnswer struct {
	At     int
	Code   int
	Err    string
	Reply  []byte
	Killed bool
	View   deskView
}

type deskView struct {
	State   string
	Earlier string // what it calls the case of the earlier command; or ""
	Version int64
	Objects map[string]envelope.Digest
	Bodies  map[string][]byte
}

func (v deskView) same(o deskView) bool {
	return v.State == o.State && v.Earlier == o.Earlier && maps.Equal(v.Objects, o.Objects)
}

func startDesk(t *testing.T, with deskSetUp) *deskProcess {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "desk.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, "../cmd/unbind-desk/internal/desk").CombinedOutput(); err != nil {
		t.Fatalf("cannot build the desk: %v\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Env, cmd.Stderr = append(cmd.Environ(), "HANDSHAKE_DESK=1"), os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil || cmd.Start() != nil {
		t.Fatal("cannot start the desk")
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the desk ended: %v", err)
		}
	})
	d := &deskProcess{to: json.NewEncoder(in), from: json.NewDecoder(out), known: map[string]deskAnswer{}, views: map[int]deskView{}}
	if err := d.to.Encode(with); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *deskProcess) serve(q deskAsked) deskAnswer {
	name := fmt.Sprintf("%d %s %s %d %s %s %s %v", q.From, q.Op, q.Case, q.N, envelope.DigestOf(q.Body), q.Kill, q.Bug, q.Late)
	if a, ok := d.known[name]; ok {
		return a
	}
	var a deskAnswer
	if err := d.to.Encode(q); err != nil {
		panic(err)
	}
	if err := d.from.Decode(&a); err != nil {
		panic(err)
	}
	if before, ok := d.views[q.From]; ok && before.same(a.View) {
		a.At = q.From // nothing has changed
	} else {
		d.views[a.At] = a.View
	}
	d.known[name] = a
	return a
}

// view is what the desk has in a state.
func (d *deskProcess) view(at int) deskView {
	if _, ok := d.views[at]; !ok {
		d.views[at] = d.serve(deskAsked{From: at, Op: "orders"}).View
	}
	return d.views[at]
}
