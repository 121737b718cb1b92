//go:build (amd64 || arm64) && !android

package crash

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"unbindd/agent/keys"
)

func init() { works["keys unread"] = keysUnread }

// keysUnread tells of each class whether its keys are at hand, and why not.
func keysUnread(dir string, _ uint64, _ func(string)) error {
	s, err := keys.Open(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	for _, c := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
		unread := s.Unread(c)
		fmt.Printf("%s: there %v, unread %v, damaged %v\n", c, s.Has(c), errors.Is(unread, syscall.EIO), errors.Is(unread, keys.ErrDamaged))
	}
	return nil
}

// A key file that stays unreadable is the trouble of its own class: the store opens,
// with the keys of the other two.
func TestAKeyFileThatStaysUnreadableIsItsClassAlone(t *testing.T) {
	r := mounted(t)
	own := func(r *recorder, what string) ([]byte, error) { return r.child(what, 1).CombinedOutput() }
	if out, err := own(r, "keys"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r.settled()
	for n := 1; n <= 9; n++ {
		bad := fmt.Sprintf("keys/k%d", n)
		r.mu.Lock()
		r.away = bad
		r.mu.Unlock()
		want := ""
		for i, c := range []keys.Class{keys.Data, keys.Line, keys.Identity} {
			at := i != (n-1)/3
			want += fmt.Sprintf("%s: there %v, unread %v, damaged false\n", c, at, !at)
		}
		if out, err := own(r, "keys unread"); err != nil || string(out) != want {
			t.Errorf("%s cannot be read, and it ends with %v and says\n%swant\n%s", bad, err, out, want)
		}
		r.settled()
	}
}
