package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/command"
	"unbindd/agent/envelope"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
)

// issuing is what the flags of issue say.
type issuing struct {
	dir, out, papersOut          string
	wish                         desk.Wish
	valid                        time.Duration
	scope                        []string
	exceptions, papers           []string
	action, profile, reason, set string
	challenge, gate, level       string
}

func issueCommand() *cobra.Command {
	var i issuing
	c := &cobra.Command{
		Use:   "issue --dir DIR --terminal T --action A --profile P --reason R --out FILE",
		Short: "Open a case with an unsigned unbind command (also: cancel, amend, close)",
		Long: `Open a case with an unsigned unbind command.

The running desk gives the case id and the command's number and fills in what it
knows of the terminal. The file is unsigned: people with roles operations and
security sign it (unbind-desk sign), then it is published (unbind-desk publish).
Anything but gate receipt, and every --sealed-after, needs role release too.

Where the profile demands papers, name each with --paper TYPE=FILE:BADGE (only its
hash is kept) and say with --papers where to write the list, which one of role
operations signs and publishes before the command.`,
		Example: `  unbind-desk issue --dir desk --terminal T-1 --action rebind --profile rebind-standard \
      --reason merchant-closed --out command.json
  unbind-desk issue --dir desk --terminal T-1 --action rebind --profile rebind-standard \
      --reason device-swap --exception CNY:2:1500 --challenge 0VAAFPC2NDTZN2FFKRJ3FQKG24 --out command.json`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error { return i.run(c) }),
	}
	dirFlag(c, &i.dir)
	f := c.Flags()
	f.StringVar(&i.wish.Terminal, "terminal", "", "the terminal to unbind")
	f.StringVar(&i.action, "action", "", strings.Join(actions, " or "))
	f.StringVar(&i.profile, "profile", "", "the profile's id")
	f.StringVar(&i.reason, "reason", "", "one of the profile's reasons")
	f.StringVar(&i.challenge, "challenge", "", "the terminal's challenge, as unbindctl challenge shows it; with one no clock is asked")
	f.StringVar(&i.gate, "gate", command.GateReceipt, "what must hold of the backup: receipt, sealed or none")
	f.Int64Var(&i.wish.SealedAfter, "sealed-after", 0, "hours of waiting after which a sealed file is enough")
	f.StringArrayVar(&i.exceptions, "exception", nil, "CUR:COUNT:AMOUNT that may stay unsettled, in minor units (repeatable)")
	f.StringSliceVar(&i.scope, "scope", nil, "classes to erase; all of the profile's where not given")
	f.StringVar(&i.level, "level", command.Clear, "clear or purge")
	f.StringVar(&i.set, "set", string(directory.RecipientSet), "recipient set the backup is sealed for")
	f.DurationVar(&i.valid, "valid", 14*24*time.Hour, "how long the command is good")
	f.StringArrayVar(&i.papers, "paper", nil, "TYPE=FILE:BADGE, a document that BADGE has seen (repeatable)")
	f.StringVar(&i.papersOut, "papers", "", "file to write the unsigned list of papers to")
	f.StringVar(&i.out, "out", "", "file to write the unsigned command to")
	must(c, "terminal", "action", "profile", "reason", "out")
	for flag, words := range map[string][]string{
		"action": actions, "gate": {command.GateReceipt, command.GateSealed, command.GateNone}, "level": {command.Clear, command.Purge},
	} {
		cobra.CheckErr(c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
	}
	c.AddCommand(followCommand("cancel"), followCommand("amend"), followCommand("close"))
	return c
}

// actions are the words for what terminals of this version carry out.
var actions = func() (words []string) {
	for _, action := range desk.Actions {
		words = append(words, string(action))
	}
	return words
}()

// carriedOut says what the desk would refuse, and what to do instead, before anything is
// asked or read.
func carriedOut(action string) error {
	err := desk.CarriedOut(envelope.ID(action))
	switch {
	case err == nil:
		return nil
	case action == command.Replace || action == command.Quarantine:
		return advise(err, text{
			"Use --action rebind where the terminal goes to another merchant, or --action retire where it is withdrawn.",
			"终端转给其他商户请用 --action rebind，终端注销请用 --action retire。",
		})
	}
	return misuse("cannot use --action %s: want %s", action, strings.Join(actions, " or "))
}

func (i *issuing) run(c *cobra.Command) error {
	if err := carriedOut(i.action); err != nil {
		return err
	}
	if err := vacant(i.out, i.papersOut); err != nil {
		return err
	}
	if (len(i.papers) > 0) != (i.papersOut != "") {
		return misuse("cannot issue the command: --paper and --papers belong together")
	}
	if err := i.fill(); err != nil {
		return err
	}
	draft, err := operator(i.dir).Issue(c.Context(), i.wish)
	if envelope.CodeOf(err) == "E17:profile-signer" {
		return advise(err, text{
			"Have the profile signed anew by people of the trust in force: unbind-desk sign --key KEY.pem DIR/profiles/NAME.json, then unbind-desk publish --dir DIR DIR/profiles/NAME.json, then issue again.",
			"请由现行信任包中的人员重新签署该方案：先执行 unbind-desk sign --key KEY.pem DIR/profiles/NAME.json，再执行 unbind-desk publish --dir DIR DIR/profiles/NAME.json，然后重新签发。",
		})
	}
	if err != nil {
		return err
	}
	if draft.Papers != nil {
		if err := keepNew(i.papersOut, draft.Papers); err != nil {
			return err
		}
	}
	if err := keepNew(i.out, draft.Order); err != nil {
		return err
	}
	return showDraft(c, draft, i.out)
}

// fill turns the flags into the wish.
func (i *issuing) fill() error {
	w := &i.wish
	var err error
	if i.challenge, err = shownChallenge(i.challenge, i.wish.Terminal); err != nil {
		return err
	}
	for _, id := range []struct {
		flag, text string
		to         *envelope.ID
	}{
		{"action", i.action, &w.Action}, {"profile", i.profile, &w.Profile}, {"reason", i.reason, &w.Reason},
		{"gate", i.gate, &w.Gate}, {"level", i.level, &w.Level}, {"set", i.set, &w.Set}, {"challenge", i.challenge, &w.Challenge},
	} {
		*id.to = envelope.ID(id.text)
		if id.text != "" && !id.to.Valid() {
			return misuse("cannot use --%s: it is not of the class id", id.flag)
		}
	}
	w.Valid = int64(i.valid / time.Second)
	for _, class := range i.scope {
		w.Scope = append(w.Scope, envelope.ID(class))
	}
	if w.Exception, err = openSums(i.exceptions); err != nil {
		return err
	}
	for _, text := range i.papers {
		p, err := paper(text, time.Now())
		if err != nil {
			return err
		}
		w.Papers = append(w.Papers, p)
	}
	return nil
}

// openSums reads CUR:COUNT:AMOUNT, sorted by currency.
func openSums(texts []string) ([]command.OpenSum, error) {
	var sums []command.OpenSum
	for _, text := range texts {
		part := strings.Split(text, ":")
		if len(part) != 3 {
			return nil, misuse("cannot use --exception %s: want CUR:COUNT:AMOUNT", text)
		}
		count, err1 := strconv.ParseInt(part[1], 10, 53)
		amount, err2 := strconv.ParseInt(part[2], 10, 53)
		if err1 != nil || err2 != nil || count < 0 || amount < 0 || len(part[0]) != 3 || !envelope.ID(part[0]).Valid() {
			return nil, misuse("cannot use --exception %s: want CUR:COUNT:AMOUNT", text)
		}
		sums = append(sums, command.OpenSum{Amount: amount, Count: count, Currency: envelope.ID(part[0])})
	}
	slices.SortFunc(sums, func(a, b command.OpenSum) int { return strings.Compare(string(a.Currency), string(b.Currency)) })
	return sums, nil
}

// paper reads TYPE=FILE:BADGE and hashes the file; its content goes nowhere.
func paper(text string, now time.Time) (command.Paper, error) {
	kind, rest, ok := strings.Cut(text, "=")
	cut := strings.LastIndexByte(rest, ':')
	if !ok || cut < 1 || !envelope.ID(kind).Valid() || !envelope.ID(rest[cut+1:]).Valid() {
		return command.Paper{}, misuse("cannot use --paper %s: want TYPE=FILE:BADGE", text)
	}
	content, err := os.ReadFile(rest[:cut])
	if err != nil {
		return command.Paper{}, fmt.Errorf("cannot read the paper: %w", err)
	}
	return command.Paper{
		By: envelope.ID(rest[cut+1:]), Hash: envelope.DigestOf(content), Seen: now.Unix(), Type: envelope.ID(kind),
	}, nil
}

func showDraft(c *cobra.Command, d desk.Draft, out string) error {
	e, err := envelope.Parse(d.Order, envelope.MaxSize)
	if err != nil {
		return err
	}
	told := map[string]any{"case": d.Case, "digest": e.Digest(), "file": out, "version": d.Version}
	if len(d.Validated) > 0 {
		told["validated"] = d.Validated
	}
	return show(c, told, func() {
		say(c, "%s", text{"Case %s, unsigned order in %s", "案件 %s，未签名指令已写入 %s"}.in(d.Case, out))
		say(c, "  %s", e.Digest())
		for _, holder := range d.Validated {
			say(c, "%s", text{"%s has validated this case, and so may not sign this order: another person signs in that role.", "%s 已验证本案件，不得再签署此指令：请由该角色的其他人签署。"}.in(holder))
		}
		say(c, "%s", text{"Next: unbind-desk sign --key KEY.pem %s, for each person; then unbind-desk publish.", "下一步：每人执行 unbind-desk sign --key KEY.pem %s，然后执行 unbind-desk publish。"}.in(out))
	})
}
