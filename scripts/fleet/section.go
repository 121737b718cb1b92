package fleet

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Section puts a text into its part of a page, and leaves the other parts, which
// other commands write, as they are. The page is replaced whole or not at all.
func Section(path, name, text string) error {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->\n"
	page, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	before, rest, found := strings.Cut(string(page), begin)
	after := ""
	if found {
		if _, after, found = strings.Cut(rest, end); !found {
			return fmt.Errorf("cannot write the page: its part %s has no end", name)
		}
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, []byte(before+begin+text+end+after), 0o644); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(fmt.Errorf("cannot write the page: %w", err), os.Remove(temp))
	}
	return nil
}
