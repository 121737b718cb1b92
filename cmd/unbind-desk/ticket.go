package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/ticket"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/signer"
)

func ticketCommand() *cobra.Command {
	var key, bundles, anchor, out string
	files := map[string]*string{}
	c := &cobra.Command{
		Use:   "ticket --key KEY.pem --anchor sha256:... [files] --out FILE",
		Short: "Sign what a card reader wants to see before it erases - offline",
		Long: `Sign what a card reader wants to see before it erases - offline.

Believes nobody but the anchor: verifies the trust bundles, the command's
approvers, the binding, the terminal's manifest, and that the receipt is for
exactly that manifest. In place of a receipt an amendment that allows a sealed
backup will do, or neither, where the command itself was signed for less.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			by, err := authority.ReadSigner(key)
			if err != nil {
				return err
			}
			papers, err := readPapers(envelope.Digest(anchor), bundles, files)
			if err != nil {
				return err
			}
			return makeTicket(c, papers, by, out)
		}),
	}
	f := c.Flags()
	f.StringVar(&key, "key", "", "private key of role reader, PKCS8 in PEM")
	f.StringVar(&bundles, "trust", "", "the trust bundles, a JSON array")
	f.StringVar(&anchor, "anchor", "", "digest of trust bundle version 1, known out of band; a file name after @")
	for name, usage := range map[string]string{
		"command": "the signed command", "binding": "the terminal's binding", "manifest": "the terminal's manifest",
		"receipt": "the desk's receipt for that manifest", "amend": "an amendment that allows a sealed backup",
	} {
		files[name] = f.String(name, "", usage)
	}
	f.StringVar(&out, "out", "", "file to write the ticket to")
	must(c, "key", "trust", "anchor", "command", "binding", "manifest", "out")
	c.MarkFlagsMutuallyExclusive("receipt", "amend")
	return c
}

func readPapers(anchor envelope.Digest, bundles string, files map[string]*string) (signer.Papers, error) {
	given, err := anchorOf(string(anchor))
	if err != nil {
		return signer.Papers{}, err
	}
	p := signer.Papers{Anchor: given, ByHand: true}
	text, err := os.ReadFile(bundles)
	if err != nil {
		return p, fmt.Errorf("cannot read the trust bundles: %w", err)
	}
	if p.Trust, err = directory.ParseArray(text); err != nil {
		return p, err
	}
	for name, to := range map[string]**envelope.Envelope{
		"command": &p.Command, "binding": &p.Binding, "manifest": &p.Manifest, "receipt": &p.Receipt, "amend": &p.Amend,
	} {
		if *files[name] == "" {
			continue
		}
		if *to, err = readEnvelope(*files[name]); err != nil {
			return p, err
		}
	}
	return p, nil
}

func makeTicket(c *cobra.Command, p signer.Papers, by envelope.Signer, out string) error {
	order, err := p.Order()
	if err != nil {
		return err
	}
	believed, err := trust.Chain(p.Anchor, p.Trust)
	if err != nil {
		return err
	}
	file, err := signer.Sign(order, by, believed)
	if err != nil {
		return err
	}
	text, err := envelope.Canonical(file)
	if err != nil {
		return err
	}
	if err := keepNew(out, text); err != nil {
		return err
	}
	return show(c, file, func() { sayTicket(c, order, out) })
}

func sayTicket(c *cobra.Command, o ticket.Order, out string) {
	say(c, "%s", text{"Ticket in %s: reader %s may erase %d slot(s) once, at erase counter %d.", "票据已写入 %s：读卡器 %s 可擦除一次，共 %d 个密钥槽，擦除计数为 %d。"}.in(out, o.SN, len(o.Scope), o.EraCnt))
	say(c, "%s", text{"  command   %s", "  指令      %s"}.in(o.Command))
	say(c, "%s", text{"  allowed by %s", "  依据      %s"}.in(o.Authority))
}

// anchorOf reads an anchor that is given as it is, or as a file name after @.
func anchorOf(text string) (envelope.Digest, error) {
	if path, ok := strings.CutPrefix(text, "@"); ok {
		body, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("cannot read the anchor: %w", err)
		}
		text = strings.TrimSpace(string(body))
	}
	return envelope.Digest(text), nil
}
