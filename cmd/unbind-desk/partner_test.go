package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/hook"
	"unbindd/cmd/unbind-desk/internal/store"
)

// partner is somebody who is told, and who checks the signature by himself.
type partner struct {
	*httptest.Server
	mu     sync.Mutex
	fails  int
	got    []desk.Announcement
	ids    map[string]int
	secret []byte
	bad    string
	came   chan bool // one for each message taken
}

func newPartner(t *testing.T) *partner {
	p := &partner{ids: map[string]int{}, came: make(chan bool, 64), secret: []byte("0123456789abcdef0123456789abcdef")}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *partner) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	mac := hmac.New(sha256.New, p.secret)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) || err != nil {
		p.bad = "a message that is not signed"
	}
	if p.fails > 0 {
		p.fails--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	var a desk.Announcement
	if json.Unmarshal(body, &a) != nil {
		p.bad = "a message that is no announcement"
	}
	p.got = append(p.got, a)
	p.ids[r.Header.Get("webhook-id")]++
	p.came <- true
}

func (p *partner) states() (states []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.got {
		states = append(states, a.State)
	}
	return states
}

// A partner hears of accepted, erased and acknowledged, each once, however often
// he fails and whichever desk sends; a failure is tried again later and later.
func TestPartnersAreToldOnceFromTheQueue(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	to := newPartner(t)
	to.fails = 3
	who := hook.Partner{Name: "acquirer", URL: to.URL, Secret: authority.NewSecret(to.secret)}
	var senders []*hook.Sender
	for _, d := range p.desks {
		d.Partners = []string{who.Name}
		senders = append(senders, &hook.Sender{
			Queue: d, Partners: []hook.Partner{who}, Client: hook.NewClient(), Now: p.clock.now, Log: zerolog.Nop(),
		})
	}
	round := func() {
		t.Helper()
		var both sync.WaitGroup
		for _, s := range senders {
			both.Go(func() {
				if err := s.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	u := whole(t, p.office, "T-1")
	round()
	round() // nothing is due yet
	if got := to.states(); len(got) > 2 {
		t.Fatalf("a partner that fails was told %v", got)
	}
	for range 6 {
		p.clock.move(2 * time.Hour)
		round()
	}
	if got := fmt.Sprint(to.states()); to.bad != "" || len(to.states()) != 3 {
		t.Fatalf("told %s, %s", got, to.bad)
	}
	told := map[string]bool{}
	for _, a := range to.got {
		told[a.State] = a.Case == u.command.Case && a.Terminal == "T-1"
	}
	if !told["accepted"] || !told["erased"] || !told["acknowledged"] {
		t.Fatalf("told %+v", to.got)
	}
	for id, n := range to.ids {
		if n != 1 {
			t.Errorf("message %s came %d times", id, n)
		}
	}
	p.clock.move(9 * time.Hour)
	round()
	if len(to.states()) != 3 {
		t.Fatal("a delivered message stayed in the queue")
	}
}

// A desk that is killed with messages in its queue tells them when it is there again.
func TestPartnersAreToldAfterAKill(t *testing.T) {
	to := newPartner(t)
	to.fails = 1 << 20
	file := t.TempDir() + "/partners.json"
	text := fmt.Sprintf(`[{"name":"acquirer","secret":%q,"url":%q}]`, base64.StdEncoding.EncodeToString(to.secret), to.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, "--partners", file)
	m := newTerminal(o, "T-1")
	m.begin(o.order(unbind("T-1"), "ops-1", "sec-1"))
	o.kill()
	to.mu.Lock()
	to.fails = 0
	to.mu.Unlock()
	o.start("--partners", file)
	select {
	case <-to.came:
	case <-time.After(2 * signWait):
		t.Fatal("the partner was never told")
	}
	if got := to.states(); to.bad != "" || got[0] != "accepted" {
		t.Fatalf("told %v, %s", got, to.bad)
	}
	o.check(os.Chmod(file, 0o644))
	if _, said, code := verb(t, "serve", "--dir", string(o.dir), "--partners", file); code != exitFailed || !strings.Contains(said, "chmod 600") {
		t.Fatalf("a file that others may read: exit %d, %s", code, said)
	}
}

// A claim that ran out says nothing of the message: a desk that was slow neither
// revives one that was delivered nor takes away one that is being sent.
func TestAStaleClaimChangesNothing(t *testing.T) {
	p := newPair(t, memoryBase(t), folderOf)
	slow, quick := p.desks[0], p.desks[1]
	queue := func() {
		p.check(slow.Store.Change(func(tx *store.Tx) error { return tx.AddHook(store.Hook{Partner: "acquirer", Body: []byte("{}")}) }))
	}
	claim := func(d *desk.Desk) store.Hook {
		h, ok, err := d.DueHook("acquirer", 60)
		if err != nil || !ok {
			t.Fatalf("nothing is due: %v", err)
		}
		p.clock.move(time.Hour)
		return h
	}
	queue()
	stale, second := claim(slow), claim(quick)
	p.check(slow.HookDone(stale))
	p.check(slow.HookFailed(stale, 7*3600))
	third := claim(quick)
	p.check(quick.HookDone(third))
	p.check(quick.HookFailed(second, 1))
	p.clock.move(24 * time.Hour)
	if h, ok, err := quick.DueHook("acquirer", 60); ok || err != nil {
		t.Fatalf("a delivered message is due again: %+v, %v", h, err)
	}
}

// A place in the queue that stands for no message silences no partner, whether
// something is due behind it or not.
func TestAPartnerHearsPastAStalePlace(t *testing.T) {
	base := memoryBase(t)
	var raw store.Base
	p := newPair(t, func(dir string) store.Base { raw = base(dir); return raw }, folderOf)
	d := p.desks[0]
	queue := func() {
		p.check(d.Store.Change(func(tx *store.Tx) error { return tx.AddHook(store.Hook{Partner: "acquirer", Body: []byte("{}")}) }))
	}
	queue()
	p.check(raw.Change(func(r store.Rows) error { // delivered by a desk that knows no places
		rows, err := r.List("hooks", "", "", 9)
		for _, row := range rows {
			err = errors.Join(err, r.Remove("hooks", row.Key))
		}
		return err
	}))
	queue()
	h, ok, err := d.DueHook("acquirer", 60)
	if err != nil || !ok || h.N != 2 {
		t.Fatalf("due is %+v, %v, %v", h, ok, err)
	}
	p.check(d.HookDone(h))
	places := 0
	p.check(raw.Look(func(r store.Rows) error {
		rows, err := r.List("due", "", "", 9)
		places = len(rows)
		return err
	}))
	if places != 0 {
		t.Errorf("%d places are left of nothing", places)
	}
}
