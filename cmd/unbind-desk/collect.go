package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/grounds"
)

// seenFlag adds the flag of every verb that changes a case.
func seenFlag(c *cobra.Command, seen *int64) {
	c.Flags().Int64Var(seen, "seen", desk.Unseen, "the version of the case you looked at (cases show); where not given, it is looked at now")
}

// versionOf is the version that an operator names, or the one the case has now.
func versionOf(c *cobra.Command, dir, id string, seen int64) (int64, error) {
	if seen != desk.Unseen {
		return seen, nil
	}
	w, err := operator(dir).Inspect(c.Context(), id)
	return w.Version, err
}

// caseIn is the case that an envelope names; "" if it belongs to none.
func caseIn(body []byte) string {
	e, err := envelope.Parse(body, envelope.MaxSize)
	if err != nil || e.PayloadType == envelope.Type("trust") || e.PayloadType == envelope.Type("profile") {
		return "" // the desk says what is wrong with it
	}
	kinds := map[string]func() (envelope.ID, error){
		envelope.Type("command"): func() (envelope.ID, error) { var v command.Command; return decoded(e, &v, &v.Case) },
		envelope.Type("papers"):  func() (envelope.ID, error) { var v command.Papers; return decoded(e, &v, &v.Case) },
		envelope.Type("cancel"):  func() (envelope.ID, error) { var v command.Cancel; return decoded(e, &v, &v.Case) },
		envelope.Type("amend"):   func() (envelope.ID, error) { var v command.Amend; return decoded(e, &v, &v.Case) },
		envelope.Type("close"):   func() (envelope.ID, error) { var v command.Close; return decoded(e, &v, &v.Case) },
	}
	read, ok := kinds[e.PayloadType]
	if !ok {
		return ""
	}
	id, err := read()
	if err != nil {
		return ""
	}
	return string(id)
}

func decoded(e *envelope.Envelope, v any, id *envelope.ID) (envelope.ID, error) {
	err := envelope.Decode(e.Payload, v)
	return *id, err
}

func collectCommand() *cobra.Command {
	var dir string
	var seen int64
	c := &cobra.Command{
		Use:   "collect --dir DIR FILE",
		Short: "Hand the signatures on a drafted command to the desk, which keeps them together",
		Long: `Hand the signatures on a drafted command to the desk, which keeps them together.

For people who sign on their own machines: each takes the draft (cases draft),
signs it (sign) and hands it in. The desk adds the signatures to those it has,
refuses a second one by the same person, whatever the key, and says which roles
are missing. When none is, publish --case CASE offers the command.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("cannot read the draft: %w", err)
			}
			at := seen
			if id := caseIn(body); id != "" {
				if at, err = versionOf(c, dir, id, seen); err != nil {
					return err
				}
			}
			done, err := operator(dir).Collect(c.Context(), body, at)
			if err != nil {
				return err
			}
			return showCollected(c, done)
		}),
	}
	dirFlag(c, &dir)
	seenFlag(c, &seen)
	return c
}

func showCollected(c *cobra.Command, done desk.Collected) error {
	return show(c, done, func() {
		say(c, "%s", text{"Case %s, version %d", "案件 %s，版本 %d"}.in(done.Case, done.Version))
		sayApproval(c, done.Approval)
	})
}

func sayApproval(c *cobra.Command, a grounds.Approval) {
	for _, who := range a.Signed {
		say(c, "%s", text{"  signed by %s as %s", "  已由 %s 以 %s 角色签署"}.in(who.Holder, who.Role))
	}
	if len(a.Missing) == 0 && a.More == 0 {
		say(c, "%s", text{"Everybody has signed whom the rule asks for.", "规则所要求的人员均已签署。"}.in())
		return
	}
	var roles []string
	for _, role := range a.Missing {
		roles = append(roles, string(role))
	}
	if a.More > 0 {
		roles = append(roles, text{"%d more of these roles or of those that signed", "另需 %d 人，属于所缺或已签署的角色"}.in(a.More))
	}
	say(c, "%s", text{"Still missing: %s", "还缺：%s"}.in(strings.Join(roles, ", ")))
}

func draftCommand(dir *string) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "draft CASE --out FILE",
		Short: "Write a drafted command with the signatures so far",
		Args:  cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			d, err := operator(*dir).Draft(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := keepNew(out, d.Order); err != nil {
				return err
			}
			return showCollected(c, d)
		}),
	}
	c.Flags().StringVar(&out, "out", "", "file to write it to")
	must(c, "out")
	return c
}

func withdrawCommand(dir *string) *cobra.Command {
	var seen int64
	c := &cobra.Command{
		Use:   "withdraw CASE",
		Short: "End a case whose command was never published",
		Args:  cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			at, err := versionOf(c, *dir, args[0], seen)
			if err != nil {
				return err
			}
			b, err := operator(*dir).Withdraw(c.Context(), args[0], at)
			if err != nil {
				return err
			}
			return show(c, b, func() { sayBrief(c, b) })
		}),
	}
	seenFlag(c, &seen)
	return c
}

// approved reads how far the signing has got, where the signer has the bundles.
func approved(t *trust.Trust, e *envelope.Envelope) (*grounds.Approval, error) {
	if t == nil {
		return nil, nil
	}
	a, err := grounds.Approve(t, e)
	return &a, err
}
