package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"unbindd/agent/command"
	"unbindd/cmd/unbind-desk/internal/blob"
	"unbindd/cmd/unbind-desk/internal/blob/blobtest"
	"unbindd/cmd/unbind-desk/internal/blob/folder"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/serve"
	"unbindd/cmd/unbind-desk/internal/store"
	"unbindd/cmd/unbind-desk/internal/store/bolt"
	"unbindd/cmd/unbind-desk/internal/store/storetest"
)

// turns gives each request to the other desk than the one before.
type turns struct {
	of    []http.Handler
	taken []atomic.Int64
	n     atomic.Int64
	only  atomic.Int64 // 0: take turns; else always that one, counted from 1
	came  chan int     // who was asked, where somebody waits for it
}

func newTurns(of ...http.Handler) *turns {
	return &turns{of: of, taken: make([]atomic.Int64, len(of)), came: make(chan int, 1)}
}

// ServeHTTP hands a request on.
func (a *turns) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := a.only.Load() - 1
	if i < 0 {
		i = a.n.Add(1) % int64(len(a.of))
	}
	a.taken[i].Add(1)
	select {
	case a.came <- int(i):
	default: // nobody waits
	}
	a.of[i].ServeHTTP(w, r)
}

// pair is two desks on one store behind one front door each for terminals and
// operators.
type pair struct {
	*office
	terminals, operators *turns
	desks                []*desk.Desk
	clock                clock
}

func newPair(t *testing.T, base func(dir string) store.Base, blobs func(dir directory.Dir) blob.Keeper) *pair {
	t.Helper()
	work := t.TempDir()
	p := &pair{office: &office{t: t, dir: directory.Dir(filepath.Join(work, "desk")), work: work}}
	p.cli("init", "--dir", string(p.dir))
	shared, keeper := base(string(p.dir)), blobs(p.dir)
	t.Cleanup(func() { _ = shared.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	p.check(err)
	p.url = "https://" + listener.Addr().String()
	var servers []*serve.Server
	for range 2 {
		kept, err := store.New(shared)
		p.check(err)
		d, err := (&serving{dir: p.dir, url: p.url}).open(kept, keeper, zerolog.Nop(), nil)
		p.check(err)
		d.Now = p.clock.now
		p.desks = append(p.desks, d)
		s := serve.New(d, zerolog.Nop(), 1<<30)
		s.Again = 20 * time.Millisecond
		servers = append(servers, s)
	}
	p.terminals = newTurns(servers[0].Terminals(), servers[1].Terminals())
	p.operators = newTurns(servers[0].Operators(), servers[1].Operators())
	operators, err := serve.ListenOperators(p.dir.Socket())
	p.check(err)
	p.front(tls.NewListener(listener, p.tls()), p.terminals)
	p.front(operators, p.operators)
	return p
}

func (p *pair) front(l net.Listener, h http.Handler) {
	s := &http.Server{Handler: h}
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.t.Error(err)
		}
	}()
	p.t.Cleanup(func() { _ = s.Close() })
}

func (p *pair) tls() *tls.Config {
	shown, err := tls.LoadX509KeyPair(p.dir.Certificate("desk"), p.dir.CertificateKey("desk"))
	p.check(err)
	text, err := os.ReadFile(p.dir.CACertificate())
	p.check(err)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(text)
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{shown}, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients}
}

func boltBase(t *testing.T) func(string) store.Base {
	return func(dir string) store.Base {
		b, err := bolt.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// memoryBase is what bolt has, in memory: optimistic, and so with conflicts.
func memoryBase(t *testing.T) func(string) store.Base {
	return func(dir string) store.Base {
		from, to := boltBase(t)(dir), storetest.NewMemory()
		err := from.Look(func(in store.Rows) error {
			return to.Change(func(out store.Rows) error {
				for _, table := range store.Tables {
					rows, err := in.List(table, "", "", 1<<20)
					for _, row := range rows {
						err = errors.Join(err, out.Put(table, row.Key, row.Value))
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		})
		if err := errors.Join(err, from.Close()); err != nil {
			t.Fatal(err)
		}
		return to
	}
}

func folderOf(dir directory.Dir) blob.Keeper { return folder.Folder(dir.Blobs()) }

func pairs(t *testing.T, test func(t *testing.T, p *pair)) {
	t.Run("bbolt and a folder", func(t *testing.T) { test(t, newPair(t, boltBase(t), folderOf)) })
	t.Run("in memory", func(t *testing.T) {
		test(t, newPair(t, memoryBase(t), func(directory.Dir) blob.Keeper { return blobtest.NewMemory() }))
	})
}

// A whole case whose every request goes to the other desk than the one before:
// no desk may know anything that the store does not.
func TestTwoDesksCarryOneCase(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		u := whole(t, p.office, "T-1")
		id := string(u.command.Case)
		if got := p.state(id); got != "gone" {
			t.Fatalf("the case is %s, want gone", got)
		}
		for n := range 4 { // the same answers from both
			first, second := u.get(u.at("receipts/backup", 1)), u.get(u.at("receipts/certificate", 1))
			first.want(t, http.StatusOK, "")
			second.want(t, http.StatusOK, "")
			if n > 0 && string(first.body) != string(u.authority.Encode()) {
				t.Fatal("the desks hold two receipts for one backup")
			}
		}
		out := filepath.Join(p.work, "export")
		p.cli("cases", "export", id, "--dir", string(p.dir), "--out", out)
		p.cli("verify", out, "--anchor", string(u.anchor()), "--identity", p.dir.Identity())
		for i := range 2 {
			if p.terminals.taken[i].Load() < 5 || p.operators.taken[i].Load() < 2 {
				t.Errorf("desk %d took %d requests of terminals and %d of operators", i, p.terminals.taken[i].Load(), p.operators.taken[i].Load())
			}
		}
	})
}

// A long poll on one desk is answered when the other one publishes.
func TestLongPollHearsOfTheOtherDesk(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		m := newTerminal(p.office, "T-1")
		_, path := p.draft(unbind("T-1"), "ops-1", "sec-1")
		p.terminals.only.Store(1)
		p.operators.only.Store(2)
		for len(p.terminals.came) > 0 {
			<-p.terminals.came // of before
		}
		woken := make(chan reply, 1)
		go func() {
			r, err := m.ask(m.known, http.MethodGet, "/v1/terminals/T-1/command", http.Header{"Prefer": {"wait=55"}}, nil, 0)
			if err != nil {
				r.body = []byte(err.Error())
			}
			woken <- r
		}()
		<-p.terminals.came // the poll is there
		p.cli("publish", "--dir", string(p.dir), path)
		select {
		case r := <-woken:
			r.want(t, http.StatusOK, "")
		case <-time.After(signWait / 2): // before the poll would end by itself
			t.Fatal("the poll did not hear of it")
		}
	})
}

// Trust that one desk publishes is the other's too, at once.
func TestTrustOfTheOtherDeskIsBelieved(t *testing.T) {
	pairs(t, func(t *testing.T, p *pair) {
		m := newTerminal(p.office, "T-1")
		p.operators.only.Store(1)
		path := p.nextBundle(nil)
		p.cli("publish", "--dir", string(p.dir), path)
		p.terminals.only.Store(2)
		m.get("/v1/trust/2").want(t, http.StatusOK, "")
		p.operators.only.Store(2)
		p.cli("publish", "--dir", string(p.dir), path) // the same again changes nothing
		u := m.begin(p.order(unbind("T-1"), "ops-1", "sec-1"))
		if u.command.Root != 2 {
			t.Fatalf("the other desk drafts for trust version %d", u.command.Root)
		}
		u.answer(u.command.Case, 2, u.order.Digest(), command.Undone).want(t, http.StatusOK, "")
	})
}
