package main

import (
	"crypto/rand"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"unbindd/agent/envelope"
	"unbindd/agent/merkle"
	"unbindd/agent/profile"
	"unbindd/cmd/unbind-desk/internal/directory"
)

func initCommand() *cobra.Command {
	var dir, name string
	var hosts, inventory []string
	c := &cobra.Command{
		Use:   "init --dir DIR",
		Short: "Found a desk: CA, keys, profiles, first trust bundle",
		Long: `Found a desk: CA, keys, profiles, first trust bundle.

Makes everything a desk needs in a new directory, with demonstration keys for
every role, and prints the anchor: the digest of the first trust bundle, which
people compare out of band with what a terminal shows when it enrols. What is
where is written in DIR/README. A directory that is there already is not touched.

Outside a demonstration the keys of people (root, ops, sec, rel) and of the
ticket signer belong on their own machines; move them away from DIR/keys.`,
		Example: `  unbind-desk init --dir desk
  unbind-desk init --dir desk --inventory app-data=/var/lib/pay --inventory 'logs=/var/log/pay/*.log'`,
		Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error {
			f := directory.Founding{Name: name, Hosts: hosts, Now: time.Now(), Random: rand.Reader}
			if !envelope.ID(name).Valid() || !merkle.CanName(name) {
				return misuse("cannot found the desk: its name must be 1 to 64 of A-Z a-z 0-9 . _ : / @ -")
			}
			var err error
			if f.Inventory, err = places(inventory); err != nil {
				return err
			}
			made, err := directory.Found(dir, f)
			if err != nil {
				return err
			}
			return show(c, made, func() { sayFounded(c, made) })
		}),
	}
	c.Flags().StringVar(&dir, "dir", "", "directory to make; it must not be there")
	c.Flags().StringVar(&name, "name", "unbind-desk", "name of the desk, for its CA and its log")
	c.Flags().StringArrayVar(&hosts, "host", nil, "further name or address the desk is reached by (repeatable; loopback is always in)")
	c.Flags().StringArrayVar(&inventory, "inventory", nil, "class=path to be erased, for both profiles (repeatable); its parts but the first may be patterns")
	must(c, "dir")
	return c
}

// places reads class=path.
func places(texts []string) ([]profile.Place, error) {
	var out []profile.Place
	for _, text := range texts {
		class, path, ok := strings.Cut(text, "=")
		if !ok || !strings.HasPrefix(path, "/") || !envelope.ID(class).Valid() {
			return nil, misuse("cannot use --inventory %s: want class=/absolute/path", text)
		}
		place := profile.Place{Class: envelope.ID(class), Path: path}
		if err := place.Check(); err != nil {
			return nil, misuse("cannot use --inventory %s: %w", text, err)
		}
		out = append(out, place)
	}
	return out, nil
}

func sayFounded(c *cobra.Command, made directory.Founded) {
	say(c, "%s", text{"The desk is founded in %s.", "后台已建立于 %s。"}.in(made.Dir))
	say(c, "%s", text{"Anchor  %s", "锚点  %s"}.in(made.Anchor))
	for _, holder := range slices.Sorted(maps.Keys(made.Keys)) {
		say(c, "  %-10s %s", holder, made.Keys[holder])
	}
	say(c, "%s", text{"Compare the anchor out of band when a terminal enrols.", "终端登记时，请通过其他渠道核对锚点。"}.in())
	say(c, "%s", text{"Next: unbind-desk serve --dir %s", "下一步：unbind-desk serve --dir %s"}.in(made.Dir))
}
