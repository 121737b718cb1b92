package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/courier"
	"unbindd/cmd/unbind-desk/internal/serve"
)

// carriedOver is what one walk through a folder came to.
type carriedOver struct {
	Objects []carriedWord           `json:"objects"`
	Counts  map[courier.Outcome]int `json:"counts"`
}

// carriedWord is one object, with why it was refused.
type carriedWord struct {
	courier.Word
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// errSomeRefused ends a walk in which something was refused; the rest was done.
var errSomeRefused = errors.New("not everything in the folder was taken")

func courierCommand() *cobra.Command {
	var dir string
	t := courier.Trip{Wait: 5 * time.Second}
	c := &cobra.Command{
		Use:   "courier --dir DIR FOLDER",
		Short: "Carry between a folder and the running desk, both ways",
		Long: `Carry between a folder and the running desk, both ways.

FOLDER is where a medium is mounted that holds a folder named unbind. What terminals
put out there (answers, manifests, sealed backups, certificates, tombstones) is handed
to the running desk, which judges it as if it had come over the network. The desk's
receipts, tickets and orders, with the trust and the profiles they need, are laid
down for the terminals to find. The same folder again changes nothing.

A terminal that never saw the medium has no folder on it: name it with --terminal, and
its orders are laid down. A reader's ticket is signed by a process of its own; it is
waited for as long as --wait says, and comes with the next walk else.

Every object is told with what became of it. Where something was refused the rest is
done all the same, and the exit code is 6.`,
		Example: `  unbind-desk courier --dir desk --terminal T-30041877 /media/usb`,
		Args:    cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) (err error) {
			err = t.Open(args[0])
			if errors.Is(err, courier.ErrNoMedium) {
				return fmt.Errorf("cannot use the folder: there is no folder named unbind in it: %w", errBlocked)
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, t.Close()) }()
			return carryOver(c, &t, operator(dir))
		}),
	}
	dirFlag(c, &dir)
	c.Flags().StringArrayVar(&t.Terminals, "terminal", nil, "lay down the orders of this terminal also where it has no folder yet (repeatable)")
	c.Flags().DurationVar(&t.Wait, "wait", t.Wait, "how long to wait for a ticket that is due")
	return c
}

// carryOver goes through the folder once and tells it, what was done before a failure too.
func carryOver(c *cobra.Command, t *courier.Trip, desk courier.Desk) error {
	done := carriedOver{Objects: []carriedWord{}, Counts: map[courier.Outcome]int{}}
	asJSON, err := c.Flags().GetBool("json")
	if err != nil {
		return err
	}
	t.Desk = desk
	t.Nothing = func(err error) bool { return errors.Is(err, serve.ErrNothing) }
	t.Ends = func(err error) bool { return errors.Is(err, serve.ErrUnreachable) || c.Context().Err() != nil }
	t.Tell = func(w courier.Word) {
		told := carriedWord{Word: w}
		if w.Err != nil {
			told.Code, told.Message = envelope.CodeOf(w.Err), w.Err.Error()
		}
		done.Objects, done.Counts[w.Outcome] = append(done.Objects, told), done.Counts[w.Outcome]+1
		if !asJSON {
			sayWord(c, told)
		}
	}
	ran := t.Run(c.Context())
	shown := show(c, done, func() { sayCounts(c, done) })
	if ran == nil && done.Counts[courier.Refused] > 0 {
		ran = envelope.Refuse("E28", "courier", "%w", errSomeRefused)
	}
	return errors.Join(ran, shown)
}

var outcomes = map[courier.Outcome]text{
	courier.Receipted:  {"taken, its receipt is laid down", "已接收，回执已放入"},
	courier.Kept:       {"taken", "已接收"},
	courier.Refused:    {"refused", "被拒绝"},
	courier.Strange:    {"nothing that a terminal writes; left alone", "非终端所写；未作处理"},
	courier.Laid:       {"laid down", "已放入"},
	courier.Unchanged:  {"lies there already", "已在其中"},
	courier.TakenAway:  {"taken away: nothing waits any more", "已取走：不再有待办"},
	courier.NotYet:     {"not there yet: come again", "尚未就绪：请再次携带"},
	courier.PassedOver: {"not a terminal of this desk; passed over", "非本后台的终端；已略过"},
}

func sayWord(c *cobra.Command, w carriedWord) {
	var parts []string
	for _, part := range []string{w.Terminal, w.Case, w.Object} {
		if part != "" { // a name on a medium is whatever somebody wrote there
			parts = append(parts, strings.Trim(fmt.Sprintf("%+q", part), `"`))
		}
	}
	line := strings.Join(append(parts, outcomes[w.Outcome].in()), " ")
	if w.Outcome == courier.Refused && w.Err != nil {
		line += ": " + translated(w.Message)
	}
	say(c, "%s", line)
}

func sayCounts(c *cobra.Command, done carriedOver) {
	taken := done.Counts[courier.Receipted] + done.Counts[courier.Kept]
	given := done.Counts[courier.Laid] + done.Counts[courier.Receipted]
	say(c, "%s", text{"%d object(s) taken, %d laid down, %d refused.", "共接收 %d 个对象，放入 %d 个，拒绝 %d 个。"}.in(taken, given, done.Counts[courier.Refused]))
}
