package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"unbindd/cmd/unbind-desk/internal/authority"
	"unbindd/cmd/unbind-desk/internal/desk"
	"unbindd/cmd/unbind-desk/internal/parcel"
)

func casesCommand() *cobra.Command {
	var dir string
	var q desk.Query
	c := &cobra.Command{
		Use:   "cases [list | show CASE | draft CASE --out FILE | withdraw CASE | export CASE --out DIR]",
		Short: "List cases, show one, export everything of one",
		Args:  cobra.NoArgs,
		RunE:  does(func(c *cobra.Command, _ []string) error { return listCases(c, dir, q) }),
	}
	c.PersistentFlags().StringVar(&dir, "dir", "", "the desk's directory, made by init")
	cobra.CheckErr(c.MarkPersistentFlagRequired("dir"))
	list := &cobra.Command{
		Use: "list [--state STATE | --terminal ID]", Short: "List every case with its state, or those in a state or of a terminal", Args: cobra.NoArgs,
		RunE: does(func(c *cobra.Command, _ []string) error { return listCases(c, dir, q) }),
	}
	list.Flags().StringVar(&q.State, "state", "", "only cases in this state, the oldest first")
	list.Flags().StringVar(&q.Terminal, "terminal", "", "only cases of this terminal")
	c.AddCommand(
		list,
		&cobra.Command{
			Use: "show CASE", Short: "Show a case, what the desk has of it, and its history", Args: cobra.ExactArgs(1),
			RunE: does(func(c *cobra.Command, args []string) error { return showCase(c, dir, args[0]) }),
		},
		exportCommand(&dir), draftCommand(&dir), withdrawCommand(&dir),
	)
	return c
}

func listCases(c *cobra.Command, dir string, q desk.Query) error {
	list, err := operator(dir).Cases(c.Context(), q)
	if err != nil {
		return err
	}
	return show(c, list, func() {
		for _, b := range list {
			sayBrief(c, b)
		}
		if len(list) == 0 {
			say(c, "%s", text{"There are no cases.", "没有案件。"}.in())
		}
	})
}

func sayBrief(c *cobra.Command, b desk.Brief) {
	head := column(string(b.Case), 17) + column(checkName(b.State), 13) + column(string(b.Terminal), 25)
	if b.Spoilt {
		say(c, "%s%s", head, text{"cannot be read", "无法读取"}.in())
		return
	}
	say(c, "%s%s", head, text{"since %s", "自 %s"}.in(when(b.Since)))
}

func showCase(c *cobra.Command, dir, id string) error {
	w, err := operator(dir).Inspect(c.Context(), id)
	if err != nil {
		return err
	}
	return show(c, w, func() {
		sayBrief(c, w.Brief)
		say(c, "%s", text{"version %d", "版本 %d"}.in(w.Version))
		say(c, "%s", text{"command %s", "指令 %s"}.in(w.Command))
		say(c, "%s", text{"binding %s", "绑定 %s"}.in(w.Binding))
		for _, o := range w.Objects {
			say(c, "%s", text{"  %s %3d  %s  leaf %d", "  %s %3d  %s  日志第 %d 条"}.in(column(checkName(o.Kind), 20), o.N, o.Digest, o.Leaf))
		}
		for _, e := range w.History {
			say(c, "  %s  %s%s", when(e.At), column(checkName(e.State), 13), translated(e.What))
		}
	})
}

func exportCommand(dir *string) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export CASE --out DIR | FILE.zip",
		Short: "Write everything the desk has of a case into a new folder",
		Long: `Write everything the desk has of a case into a new folder, or one zip file.

Envelopes, receipts, the sealed backup, and every public key that signed
something, under names that unbind-desk verify and stock tools (openssl, age,
zstd, jq) work with. It appears whole or not at all.`,
		Args: cobra.ExactArgs(1),
		RunE: does(func(c *cobra.Command, args []string) error {
			if err := vacant(out); err != nil {
				return err
			}
			names, err := exportCase(c, *dir, args[0], out)
			if err != nil {
				return err
			}
			told := map[string]any{"case": args[0], "dir": out, "files": names}
			return show(c, told, func() {
				say(c, "%s", text{"Case %s is in %s, %d files.", "案件 %s 已写入 %s，共 %d 个文件。"}.in(args[0], out, len(names)))
				say(c, "%s", text{"Next: unbind-desk verify %s", "下一步：unbind-desk verify %s"}.in(out))
			})
		}),
	}
	c.Flags().StringVar(&out, "out", "", "folder to make, or zip file")
	must(c, "out")
	return c
}

// exportCase writes the stream beside the folder and renames it into place.
func exportCase(c *cobra.Command, dir, id, out string) (names []string, err error) {
	if isZip(out) {
		return exportZip(c, dir, id, out)
	}
	beside, err := os.MkdirTemp(filepath.Dir(filepath.Clean(out)), ".export-")
	if err != nil {
		return nil, fmt.Errorf("cannot export the case: %w", err)
	}
	err = operator(dir).Export(c.Context(), id, func(name string, body io.Reader) error {
		names = append(names, name)
		return unpack(beside, name, body)
	})
	if err == nil {
		err = os.Chmod(beside, 0o755)
	}
	if err == nil {
		err = os.Rename(beside, out)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export the case: %w", errors.Join(err, os.RemoveAll(beside)))
	}
	return names, authority.SyncDir(filepath.Dir(filepath.Clean(out)))
}

// exportZip writes the stream into a zip file beside, and renames it into place.
func exportZip(c *cobra.Command, dir, id, out string) (names []string, err error) {
	f, err := os.CreateTemp(filepath.Dir(filepath.Clean(out)), ".export-")
	if err != nil {
		return nil, fmt.Errorf("cannot export the case: %w", err)
	}
	w := parcel.NewWriter(f)
	err = operator(dir).Export(c.Context(), id, func(name string, body io.Reader) error {
		names = append(names, name)
		return w.Add(name, body)
	})
	if err == nil {
		err = w.Close()
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), out)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot export the case: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return names, authority.SyncDir(filepath.Dir(filepath.Clean(out)))
}

// unpack writes one file below dir; a name that leads out of it is refused.
func unpack(dir, name string, body io.Reader) (err error) {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("cannot write %q: it leads out of the folder", name)
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	return errors.Join(err, f.Sync(), f.Close())
}
