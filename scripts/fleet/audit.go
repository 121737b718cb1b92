package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
)

// Audit is what the desk was held against, by counts.
type Audit struct {
	Cases, Certificates, Receipts int
	Proofs                        int
	From, To                      int64 // sizes of the log that was seen grow
}

// samples is how many leaves are proven one by one.
const samples = 200

// Checkpoint asks for the log's newest checkpoint and verifies it.
func (o *Office) Checkpoint(over *Line) (merkle.Checkpoint, error) {
	a, err := over.Ask(http.MethodGet, "/v1/log/checkpoint", nil, nil)
	if err := a.Want(http.StatusOK, err); err != nil {
		return merkle.Checkpoint{}, err
	}
	return merkle.OpenCheckpoint(a.Body, o.Trust)
}

// Audit holds the desk against every receipt that it gave: certificate and receipt
// are there once, with the very digests, each with a leaf of its own; the log
// continues the one that was seen first; and leaves that are drawn stand in it.
func (o *Office) Audit(ctx context.Context, all []*Terminal, first merkle.Checkpoint) (r Audit, err error) {
	if r.Cases, err = o.cases(ctx, all); err != nil {
		return r, err
	}
	leaves := make([]map[int64]envelope.Digest, len(all))
	places := make([]int, len(all))
	for i := range places {
		places[i] = i
	}
	if _, err := Crowd(ctx, preparing, places, func(i int) (err error) {
		leaves[i], err = all[i].kept(ctx)
		return err
	}); err != nil {
		return r, err
	}
	once := map[int64]envelope.Digest{}
	for _, of := range leaves {
		for leaf, digest := range of {
			if other, taken := once[leaf]; taken {
				return r, fmt.Errorf("leaf %d is of %s and of %s", leaf, digest, other)
			}
			once[leaf] = digest
		}
	}
	r.Certificates, r.Receipts = len(all), len(all)
	return r, o.grown(ctx, first, once, &r)
}

// cases counts the cases of the fleet in the operator's list.
func (o *Office) cases(ctx context.Context, all []*Terminal) (n int, err error) {
	want := map[string]bool{}
	for _, t := range all {
		want[t.Case()] = true
	}
	for after := ""; ; {
		var page struct {
			Cases []struct{ Case, State string }
			Next  string
		}
		if err := o.Ask(ctx, http.MethodGet, "/desk/cases?after="+url.QueryEscape(after), nil, &page, 0); err != nil {
			return n, err
		}
		for _, c := range page.Cases {
			if !want[c.Case] || c.State != "acknowledged" {
				return n, fmt.Errorf("case %s is %s, or none of the fleet", c.Case, c.State)
			}
			delete(want, c.Case)
			n++
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if len(want) > 0 {
		return n, fmt.Errorf("%d cases are not in the list", len(want))
	}
	return n, nil
}

// kept says which leaves the terminal's certificate and receipt have.
func (t *Terminal) kept(ctx context.Context) (map[int64]envelope.Digest, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	var w struct {
		Objects []struct {
			Kind   string
			N      int64
			Digest envelope.Digest
			Leaf   int64
		}
	}
	if err := t.office.Ask(ctx, http.MethodGet, "/desk/cases/"+t.Case(), nil, &w, 0); err != nil {
		return nil, err
	}
	leaves := map[int64]envelope.Digest{}
	for kind, body := range map[string][]byte{"certificate": t.Certificate, "receipt-certificate": t.Receipt} {
		e, err := envelope.Parse(body, envelope.MaxSize)
		if err != nil {
			return nil, err
		}
		n := 0
		for _, o := range w.Objects {
			if o.Kind != kind {
				continue
			}
			if n++; o.Digest != e.Digest() || n > 1 {
				return nil, fmt.Errorf("case %s has %d of %s, and %s where %s was acknowledged", t.Case(), n, kind, o.Digest, e.Digest())
			}
			leaves[o.Leaf] = o.Digest
		}
		if n != 1 {
			return nil, fmt.Errorf("case %s has %d of %s", t.Case(), n, kind)
		}
	}
	return leaves, nil
}

// grown proves that the log continues the first checkpoint, and leaves of it.
func (o *Office) grown(ctx context.Context, first merkle.Checkpoint, leaves map[int64]envelope.Digest, r *Audit) error {
	over, err := o.Dial(ctx)
	if err != nil {
		return err
	}
	defer over.Close()
	last, err := o.Checkpoint(over)
	if err != nil {
		return err
	}
	r.From, r.To = first.Size, last.Size
	if first.Size > 0 {
		a, err := over.Ask(http.MethodGet, fmt.Sprintf("/v1/log/consistency/%d/%d", first.Size, last.Size), nil, nil)
		if err := a.Want(http.StatusOK, err); err != nil {
			return err
		}
		if _, err := merkle.CheckGrowth(a.Body, first, o.Trust); err != nil {
			return err
		}
	}
	for leaf, digest := range leaves { // a map's order is a draw
		if r.Proofs == samples {
			break
		}
		a, err := over.Ask(http.MethodGet, fmt.Sprintf("/v1/log/proof/%d", leaf), nil, nil)
		if err := a.Want(http.StatusOK, err); err != nil {
			return err
		}
		in, err := merkle.Check(a.Body, digest, o.Trust)
		if err != nil || in.Index != leaf {
			return errors.Join(fmt.Errorf("leaf %d is not proven", leaf), err)
		}
		r.Proofs++
	}
	return nil
}

// Repeat puts the certificate again: the very same receipt must come. Then it puts
// other bytes, which must be refused.
func (t *Terminal) Repeat() error {
	path := "/v1/cases/" + t.Case() + "/certificate/1"
	a, err := t.Line.Ask(http.MethodPut, path, nil, t.Certificate)
	if err := a.Want(http.StatusOK, err); err != nil {
		return err
	}
	if !bytes.Equal(a.Body, t.Receipt) {
		return fmt.Errorf("a repeat of %s got another receipt", t.Case())
	}
	e, err := envelope.Parse(t.Certificate, envelope.MaxSize)
	if err != nil {
		return err
	}
	e.Signatures = append(e.Signatures, e.Signatures[0])
	a, err = t.Line.Ask(http.MethodPut, path, nil, e.Encode())
	return a.Want(http.StatusConflict, err)
}
