package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/trust"
	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/directory"
	"unbindd/cmd/unbind-desk/internal/rotation"
)

func trustPublishCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "publish --dir DIR NEXT",
		Short: "Hand a signed next version to the desk",
		Long: `Hand a signed next version to the desk.

The desk verifies it by the rules of both versions, refuses one that it could not
serve under, and from then on offers it to every terminal with its orders. DIR/trust.json
is written anew. The same file again changes nothing.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("cannot read the bundle: %w", err)
			}
			e, err := envelope.Parse(body, envelope.MaxSize)
			if err != nil {
				return err
			}
			if e.PayloadType != envelope.Type(trust.Kind) {
				return envelope.Refuse("E16", "type", "cannot publish the bundle: the file is no trust bundle")
			}
			done, err := operator(dir).Publish(c.Context(), body, desk.Unseen)
			if err != nil {
				return err
			}
			from := origin{dir: dir}
			got, err := from.read(c)
			if err != nil {
				return err
			}
			array, err := directory.Array(got.envelopes)
			if err == nil {
				err = authority.Replace(directory.Dir(dir).Trust(), array, 0o644)
			}
			if err != nil {
				return err
			}
			missing := rotation.MissingProfiles(got.now(), got.profiles)
			told := map[string]any{"digest": done.Digest, "version": got.now().Version}
			if len(missing) > 0 {
				told["profiles_missing"] = missing
			}
			return show(c, told, func() {
				say(c, "%s", text{"Published: trust version %d, %s", "已发布：信任包版本 %d，%s"}.in(got.now().Version, done.Digest))
				sayMissing(c, got.now(), missing)
			})
		}),
	}
	dirFlag(c, &dir)
	return c
}

// carried is one file of an export.
type carried struct {
	File string `json:"file"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

func trustExportCommand() *cobra.Command {
	var from origin
	var after int64
	var out string
	var orders []string
	c := &cobra.Command{
		Use:     "export --dir DIR | --trust FILE --out FILE",
		Aliases: []string{"bundle"},
		Short:   "Write the steps from any version into one file for a courier",
		Long: `Write the steps from any version into one file for a courier.

A terminal at version N takes every version after N from the file, then the orders
in it (unbindctl load). A terminal takes at most 64 steps and 1 MiB from one file: what
is more goes into further files, to be loaded in the order of their numbers. With
--dir the profiles that the newest version names go along.`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			got, err := from.read(c)
			if err != nil {
				return err
			}
			if after < 0 || after > got.now().Version {
				return misuse("cannot export from version %d: there are %d", after, got.now().Version)
			}
			done, err := exportSteps(got, after, orders, out)
			if err != nil {
				return err
			}
			return show(c, done, func() { sayCarried(c, done) })
		}),
	}
	from.flags(c)
	c.Flags().Int64Var(&after, "from", 1, "the version that the terminal has; 0 takes the first one along")
	c.Flags().StringVar(&out, "out", "", "file to write; further ones get a number before their ending")
	c.Flags().StringArrayVar(&orders, "order", nil, "signed order to go along behind the last step (repeatable)")
	must(c, "out")
	return c
}

func sayCarried(c *cobra.Command, done []carried) {
	for _, f := range done {
		say(c, "%s", text{"%s: versions %d to %d", "%s：版本 %d 至 %d"}.in(f.File, f.From, f.To))
	}
	if len(done) > 1 {
		say(c, "%s", text{"A terminal takes at most %d steps from one file: load all of them, in this order.", "终端每个文件最多接受 %d 步：请按此顺序全部载入。"}.in(trust.MaxSteps))
	}
}

// courierFile is what a terminal loads.
type courierFile struct {
	Orders   []json.RawMessage `json:"orders"`
	Profiles []json.RawMessage `json:"profiles"`
	Trust    []json.RawMessage `json:"trust"`
}

// exportSteps writes as many files as the steps need. None is written unless all are
// new, and small enough for a terminal.
func exportSteps(got chain, after int64, orders []string, out string) (done []carried, err error) {
	parts, err := partsOf(got, after, orders)
	if err != nil {
		return nil, err
	}
	for i, p := range parts {
		done = append(done, carried{File: numbered(out, i, len(parts)), From: after + 1, To: after + int64(len(p.Trust))})
		after += int64(len(p.Trust))
	}
	for _, f := range done {
		if err := vacant(f.File); err != nil {
			return nil, err
		}
	}
	bodies := make([][]byte, len(parts))
	for i, f := range done {
		if bodies[i], err = json.Marshal(parts[i]); err != nil {
			return nil, fmt.Errorf("cannot write the steps: %w", err)
		}
		if len(bodies[i]) > trust.MaxFile {
			return nil, envelope.Refuse("E01", "bytes", "cannot write the steps: %s would have %d bytes, and a terminal takes %d", f.File, len(bodies[i]), trust.MaxFile)
		}
	}
	for i, f := range done {
		if err := keepNew(f.File, bodies[i]); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// partsOf splits steps by number and by size; profiles and orders go with the last.
func partsOf(got chain, after int64, orders []string) ([]courierFile, error) {
	const room = trust.MaxFile * 3 / 4 // the rest is for orders and profiles
	empty := func() courierFile {
		return courierFile{Orders: []json.RawMessage{}, Profiles: []json.RawMessage{}, Trust: []json.RawMessage{}}
	}
	parts, size := []courierFile{empty()}, 0
	for _, e := range got.envelopes[after:] {
		step := e.Encode()
		last := &parts[len(parts)-1]
		if len(last.Trust) == trust.MaxSteps || (size+len(step) > room && len(last.Trust) > 0) {
			parts, size = append(parts, empty()), 0
			last = &parts[len(parts)-1]
		}
		last.Trust = append(last.Trust, step)
		size += len(step) + 1
	}
	last := &parts[len(parts)-1]
	for _, p := range got.profiles {
		last.Profiles = append(last.Profiles, p.Encode())
	}
	for _, path := range orders {
		e, err := readEnvelope(path)
		if err != nil {
			return nil, err
		}
		last.Orders = append(last.Orders, e.Encode())
	}
	return parts, nil
}

// numbered is out for the only file, else out-1.json, out-2.json and so on.
func numbered(out string, i, of int) string {
	if of == 1 {
		return out
	}
	dot := strings.LastIndex(out, ".")
	if dot <= strings.LastIndex(out, "/") {
		dot = len(out)
	}
	return fmt.Sprintf("%s-%d%s", out[:dot], i+1, out[dot:])
}
