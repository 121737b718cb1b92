//go:build (amd64 || arm64) && !android

package crash

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"
)

// list makes a list of all images of a replay, or takes the one that lies at path: to
// compute them anew, only to find that most are in the book, takes minutes. It says how
// many choices they came from.
func (b *book) list(t *testing.T, path string, r *replay, tr trace) (choices int) {
	t.Helper()
	var l struct {
		Choices int    `json:"choices"`
		Images  []page `json:"images"`
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("cannot read the list of images %s: %v", path, err)
	}
	if err == nil {
		for _, p := range l.Images {
			b.wanted[p.Image] = p
		}
		return l.Choices
	}
	count := *r
	count.book, count.judge, count.seen, count.only = b, nil, nil, ""
	l.Choices = count.run(t, tr).Choices
	if t.Failed() {
		t.Fatal("the images cannot be listed: a list that lacks some would say that all are carried")
	}
	for _, p := range b.wanted {
		l.Images = append(l.Images, p)
	}
	if text, err = json.Marshal(l); err == nil {
		err = errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path))
	}
	if err != nil {
		t.Fatal(err)
	}
	return l.Choices
}

// missing are the choices that the list names and the book does not call passed.
func (b *book) missing(pick func(int, []string, []choice, *lot) []choice) func(int, []string, []choice, *lot) []choice {
	type moment struct {
		n    int
		loss string
	}
	missing := map[moment]bool{}
	for _, p := range b.wanted {
		if !b.passed(p) {
			missing[moment{p.Operation, p.Loss}] = true
		}
	}
	return func(n int, told []string, all []choice, rng *lot) []choice {
		return slices.DeleteFunc(pick(n, told, all, rng), func(c choice) bool { return !missing[moment{n, c.name}] })
	}
}
