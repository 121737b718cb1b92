package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"unbindd/agent/enrol"
	"unbindd/agent/envelope"
)

func enrolCommand() *cobra.Command {
	var dir, reader, out string
	elements := map[string]*string{}
	c := &cobra.Command{
		Use:   "enrol --dir DIR --terminal T ... --reader reader.json --out FILE",
		Short: "Admit a terminal and write its signed enrolment ticket",
		Long: `Admit a terminal and write its signed enrolment ticket.

The running desk remembers who may enrol and with which card reader. The ticket
is good once; a later ticket for the same terminal makes it worthless. USCC and
account are hashed with a salt and kept nowhere. reader.json is the list that the
key injection (readersim init) wrote; it holds the reader's pairing key.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			sheet, err := readerSheet(reader)
			if err != nil {
				return err
			}
			request := map[string]any{"reader": sheet}
			for name, value := range elements {
				request[name] = *value
			}
			ticket, err := operator(dir).Admit(c.Context(), request)
			if err != nil {
				return err
			}
			if err := keepNew(out, ticket); err != nil {
				return err
			}
			return showTicket(c, ticket, out)
		}),
	}
	dirFlag(c, &dir)
	for name, usage := range map[string]string{
		"terminal": "the terminal's number", "serial": "the terminal's serial number", "acquirer": "the acquirer's id",
		"merchant": "the merchant's id", "uscc": "the merchant's unified social credit code", "account": "the settlement account",
	} {
		elements[name] = c.Flags().String(name, "", usage)
		must(c, name)
	}
	c.Flags().StringVar(&reader, "reader", "", "the key injection's list of the card reader")
	c.Flags().StringVar(&out, "out", "", "file to write the ticket to")
	must(c, "reader", "out")
	return c
}

// readerSheet picks what the desk needs from the injection's list. The values
// stay raw: one of them is a secret that no type here writes out.
func readerSheet(path string) (map[string]json.RawMessage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the reader's list: %w", err)
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		return nil, fmt.Errorf("cannot read the reader's list %s: it is not JSON", path)
	}
	sheet := map[string]json.RawMessage{}
	for _, name := range []string{"driver", "sn", "pub", "pairing"} {
		if all[name] != nil {
			sheet[name] = all[name]
		}
	}
	if sheet["sn"] == nil {
		return nil, fmt.Errorf("cannot read the reader's list %s: it has no sn", path)
	}
	return sheet, nil
}

func showTicket(c *cobra.Command, body []byte, out string) error {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil {
		return err
	}
	t, err := enrol.ReadTicket(e)
	if err != nil {
		return err
	}
	return show(c, t, func() {
		say(c, "%s", text{"Terminal %s (serial number %s) may enrol at %s with %s.", "终端 %s（序列号 %s）可在 %s 用 %s 登记。"}.in(t.Terminal, t.Serial, t.URL, out))
		say(c, "%s", text{"Anchor  %s", "锚点  %s"}.in(t.Trust))
		say(c, "%s", text{"Tell the anchor over another way; the terminal shows it before it enrols.", "请通过其他渠道告知锚点；终端登记前会显示它。"}.in())
	})
}
