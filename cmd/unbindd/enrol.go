package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent"
	"unbindd/agent/envelope"
)

func enrolCommand() *cobra.Command {
	var ticket, anchor string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "enrol",
		Short: "Bind this terminal with an enrolment ticket",
		Long: "Bind this terminal. The ticket names the digest of the desk's first trust bundle (the anchor): compare it\n" +
			"with what the desk's operator tells you over another way, and give it with --anchor, or type it when asked.\n\n" +
			"No daemon may run on the state directory meanwhile, for it would not notice: stop it, enrol, start it again.\n" +
			"It ends with 3 beside one, and with a warning for each place of a profile that lies outside erase.roots.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := os.ReadFile(ticket)
			if err != nil {
				return placed{fmt.Errorf("cannot enrol: %w", err), envelope.AtEnrolment}
			}
			err = compareAnchor(c, text, anchor)
			if err == nil {
				err = enrolWith(c, text, wait)
			}
			if err != nil {
				return placed{err, envelope.AtEnrolment}
			}
			return nil
		},
	}
	c.Flags().StringVar(&ticket, "ticket", "", "the enrolment ticket, a file")
	c.Flags().StringVar(&anchor, "anchor", "", "the anchor that you were told, sha256:…")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait for reader and desk")
	if err := c.MarkFlagRequired("ticket"); err != nil {
		panic(err) // the flag was added above
	}
	return c
}

// compareAnchor lets a person compare the anchor; it is never taken on the
// ticket's own word.
func compareAnchor(c *cobra.Command, text []byte, told string) error {
	anchor, t, err := agent.Anchor(text)
	if err != nil {
		return err
	}
	if told == "" {
		l := languageOf(c)
		fmt.Fprintln(c.OutOrStdout(), words{"Terminal %s, serial number %s, desk %s\nAnchor   %s", "终端 %s，序列号 %s，后台 %s\n锚点     %s"}.in(l, t.Terminal, t.Serial, t.URL, anchor))
		fmt.Fprint(c.OutOrStdout(), words{"Type the last eight characters of the anchor that the desk's operator tells you: ", "请输入后台人员告知您的锚点的最后八个字符："}.in(l))
		line, err := bufio.NewReader(c.InOrStdin()).ReadString('\n')
		if err != nil {
			return fmt.Errorf("cannot enrol: no anchor was given: %w", err)
		}
		told = string(anchor)[:len(anchor)-8] + strings.TrimSpace(line)
	}
	if told != string(anchor) {
		return envelope.Refuse("E30", "anchor", "cannot enrol: the ticket names another anchor than you were told")
	}
	return nil
}

func enrolWith(c *cobra.Command, text []byte, wait time.Duration) error {
	parts, err := assemble(c)
	if err != nil {
		return err
	}
	parts.Rand = rand.Reader
	ctx, stop := contextFor(c, wait)
	defer stop()
	b, err := agent.Enrol(ctx, parts, text)
	if err != nil {
		return err
	}
	err = say(c, words{"Terminal %s is bound: merchant %s, acquirer %s, reader %s, enrolment %d.", "终端 %s 已登记：商户 %s，收单机构 %s，读卡器 %s，登记号 %d。"},
		b.Terminal, b.Merchant, b.Acquirer, b.Reader.SN, b.Epoch)
	if err = errors.Join(err, warnOfRoots(c, parts.Config)); err != nil {
		return err
	}
	return say(c, words{`Next: start the daemon with "unbindd run".`, `下一步：用 "unbindd run" 启动守护进程。`})
}
