package fleet

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
)

// people are who signs: a command without a backup needs a third signature.
type people struct {
	signers   []envelope.Signer
	approvers []trust.Approver
}

func (o *Office) gather(names ...string) (p people, err error) {
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(o.Dir, "keys", name+".pem"))
		if err != nil {
			return p, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return p, fmt.Errorf("cannot read the key of %s", name)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return p, err
		}
		private, ok := key.(ed25519.PrivateKey)
		if !ok {
			return p, fmt.Errorf("cannot use the key of %s: it is of another kind", name)
		}
		s := envelope.NewSigner(private)
		p.signers = append(p.signers, s)
		role := o.Trust.Keys[s.Public().ID()].Role
		p.approvers = append(p.approvers, trust.Approver{Holder: envelope.ID(name), Key: s.Public().ID(), Role: role})
	}
	return p, nil
}

// wish is what an operator asks a command for.
var wish = map[string]any{
	"action": "rebind", "profile": "rebind-standard", "reason": "merchant-closed", "gate": "none",
	"level": "clear", "set": "rcp-demo", "valid": 86400,
}

// Draft has a command drafted for the terminal.
func (t *Terminal) Draft(ctx context.Context) error {
	asked := map[string]any{"terminal": t.ID}
	for k, v := range wish {
		asked[k] = v
	}
	var d struct {
		Order   []byte
		Version int64
	}
	if err := t.office.Ask(ctx, http.MethodPost, "/desk/issue", asked, &d, 0); err != nil {
		return err
	}
	e, err := envelope.Parse(d.Order, envelope.MaxCommand)
	if err != nil {
		return err
	}
	for _, s := range t.office.people.signers {
		if err := e.Add(s); err != nil {
			return err
		}
	}
	t.order, t.seen = e, d.Version
	return envelope.Decode(e.Payload, &t.command)
}

// Publish hands the signed command in; the terminal is woken if it waits.
func (t *Terminal) Publish(ctx context.Context) error {
	if t.order == nil {
		return errors.New("cannot publish: there is no command")
	}
	var done struct{ Case, State string }
	if err := t.office.Ask(ctx, http.MethodPost, "/desk/publish", t.order.Encode(), &done, t.seen); err != nil {
		return err
	}
	if done.Case != string(t.command.Case) || done.State != "issued" {
		return fmt.Errorf("case %s is %s after its command was published", done.Case, done.State)
	}
	return nil
}
