package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"unbindd/agent/keys"
	"unbindd/agent/ledger"
)

// longLedger is how many records the longest ledger has; ledgerSizes are where
// it is looked at while it grows, the first one being the measure of the others.
const longLedger = 5_000_000

var ledgerSizes = []int{1, 100_000, 1_000_000, longLedger}

const (
	openRounds = 15
	// openBound is how many times the time of opening one record the opening of the
	// longest ledger may take: it opens one segment, and a full one has a tree of
	// three levels where one record has none.
	openBound = 4.0
	// ledgerGrowth is what the highest memory of the longest ledger may differ by
	// from that of a hundred thousand records, in bytes.
	ledgerGrowth = 8 << 20
	// segmentBound is the most that one file of a ledger may have.
	segmentBound = 128 << 20
)

// longLedgers is what make bench-ledger takes.
func (b *bench) longLedgers() []measurement {
	g := &growing{b: b}
	all := []measurement{
		{"describe the machine", b.describe},
		{"make a ledger", g.make},
	}
	for _, n := range ledgerSizes {
		all = append(all, measurement{fmt.Sprintf("fill it to %s records", thousands(n)), func() error { return g.fillTo(n) }},
			measurement{fmt.Sprintf("open it at %s", thousands(n)), func() error { return g.opened(n) }})
		if n > 1 {
			all = append(all, measurement{fmt.Sprintf("read it through at %s", thousands(n)), func() error { return g.readThrough(n) }})
		}
	}
	return append(all, measurement{"append to it, and to a small one", g.appended}, measurement{"judge it", g.judge})
}

// growing is one ledger that is looked at again and again.
type growing struct {
	b    *bench
	dir  string
	have int

	opens [][]opening // at each of ledgerSizes
	reads []reads
	size  []int64 // of all its files
	most  int64   // the largest file
	ratio sample  // of an append, long over small
	long  sample
	small sample
	plain sample
}

// opening is one opening in a fresh process.
type opening struct {
	Seconds float64 `json:"seconds"`
	RSS     int64   `json:"rss"`
	Anon    int64   `json:"anon"`
	Head    uint64  `json:"head"`
	cold    bool
}

// reads is what reading everything took, in seconds and bytes.
type reads struct {
	records             int
	verify, export, sum float64
	check               float64
	verifyAnon          int64
	exportAnon          int64
	checkAnon           int64
}

func (g *growing) make() error {
	g.dir = filepath.Join(g.b.work, "long")
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		return err
	}
	_, err := keys.Create(filepath.Join(g.dir, "keys"), rand.Reader)
	return err
}

func openIn(dir string) (*ledger.Ledger, error) {
	o, err := optionsIn(dir)
	if err != nil {
		return nil, err
	}
	return ledger.Open(filepath.Join(dir, "ledger"), o)
}

func optionsIn(dir string) (ledger.Options, error) {
	store, err := keys.Open(filepath.Join(dir, "keys"))
	if err != nil {
		return ledger.Options{}, err
	}
	aead, err := store.LedgerAEAD()
	return ledger.Options{AEAD: aead}, err
}

// fillTo appends, with the group of a commit at its largest.
func (g *growing) fillTo(n int) (err error) {
	l, err := openIn(g.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	for ; g.have < n && g.b.ctx.Err() == nil; g.have += min(batchOf, n-g.have) {
		done, err := l.Append(formerReader, sales(formerReader, g.have+1, min(batchOf, n-g.have)))
		if err != nil {
			return err
		}
		if len(done.Refused) > 0 {
			return fmt.Errorf("cannot fill the ledger: it refused a record: %s", done.Refused[0].Code)
		}
	}
	return g.b.ctx.Err()
}

// opened opens it in fresh processes, warm and cold in turn.
func (g *growing) opened(n int) error {
	total, err := treeSize(filepath.Join(g.dir, "ledger"))
	if err != nil {
		return err
	}
	g.size = append(g.size, total)
	if _, err := g.act("open"); err != nil { // warm from here on
		return err
	}
	var all []opening
	for range openRounds {
		for _, cold := range []bool{false, true} {
			if cold {
				if err := g.chill(); err != nil {
					return err
				}
			}
			o, err := g.act("open")
			if err != nil {
				return err
			}
			if o.Head != uint64(n) {
				return fmt.Errorf("the head is %d of %d", o.Head, n)
			}
			o.cold = cold
			all = append(all, o)
		}
	}
	g.opens = append(g.opens, all)
	return nil
}

// chill has the kernel forget what it holds of the files.
func (g *growing) chill() error {
	files, err := filepath.Glob(filepath.Join(g.dir, "ledger", "*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := g.b.call(g.dir, "sync", f); err != nil {
			return err
		}
		if _, err := g.b.call(g.dir, "dd", "if="+f, "iflag=nocache", "count=0", "status=none"); err != nil {
			return err
		}
	}
	return nil
}

// act has a fresh process of this program do one thing to the ledger.
func (g *growing) act(what string) (o opening, err error) {
	o, _, err = g.watched(what)
	return o, err
}

// watched is act, with the highest anonymous memory that was seen.
func (g *growing) watched(what string) (o opening, anon int64, err error) {
	self, err := os.Executable()
	if err != nil {
		return o, 0, err
	}
	var out strings.Builder
	cmd := exec.CommandContext(g.b.ctx, self, "-act", what, "-in", g.dir)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	if err := cmd.Start(); err != nil {
		return o, 0, err
	}
	watch := watchMemory(cmd.Process.Pid)
	err = cmd.Wait()
	for _, r := range watch.stop() {
		anon = max(anon, r.bytes)
	}
	if err != nil {
		return o, 0, fmt.Errorf("%s: %w", what, err)
	}
	return o, max(anon, o.Anon), json.Unmarshal([]byte(out.String()), &o)
}

// actIn is the fresh process.
func actIn(what, dir string) (err error) {
	began := time.Now()
	if what == "reference" {
		return refer(dir)
	}
	if what == "check" {
		o, err := optionsIn(dir)
		if err != nil {
			return err
		}
		r, err := ledger.Check(context.Background(), filepath.Join(dir, "ledger"), o)
		if err == nil && !r.Sound() {
			err = errors.New("the ledger is not whole")
		}
		return errors.Join(err, tellOpening(time.Since(began), r.Whole))
	}
	o, err := optionsIn(dir)
	if err != nil {
		return err
	}
	began = time.Now() // the keys are not what is measured
	l, err := ledger.Open(filepath.Join(dir, "ledger"), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	took := time.Since(began)
	switch what {
	case "verify":
		err = l.Verify(context.Background())
		took = time.Since(began)
	case "export":
		_, _, err = l.Export(context.Background(), 1, func([]byte) error { return nil })
		took = time.Since(began)
	}
	return errors.Join(err, tellOpening(took, l.Head().Seq))
}

func tellOpening(took time.Duration, head uint64) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	o := opening{Seconds: took.Seconds(), Head: head}
	for name, into := range map[string]*int64{"VmRSS": &o.RSS, "RssAnon": &o.Anon} {
		n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(field(string(status), name), "kB")), 10, 64)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", name, err)
		}
		*into = n << 10
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

// readThrough verifies, exports and checks all of it, and has its files summed.
func (g *growing) readThrough(n int) error {
	r := reads{records: n}
	for what, into := range map[string]struct {
		took *float64
		anon *int64
	}{"verify": {&r.verify, &r.verifyAnon}, "export": {&r.export, &r.exportAnon}, "check": {&r.check, &r.checkAnon}} {
		o, anon, err := g.watched(what)
		if err != nil {
			return err
		}
		*into.took, *into.anon = o.Seconds, anon
	}
	began := time.Now()
	if _, err := g.b.call(filepath.Join(g.dir, "ledger"), "bash", "-c", "sha256sum seg-*.db"); err != nil {
		return err
	}
	r.sum = time.Since(began).Seconds()
	g.reads = append(g.reads, r)
	return nil
}
