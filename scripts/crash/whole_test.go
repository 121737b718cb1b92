//go:build (amd64 || arm64) && !android

package crash

import (
	"os"
	"path/filepath"
	"testing"
)

func newScene(t *testing.T) *scene {
	t.Helper()
	dir, err := os.MkdirTemp("", "whole-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &scene{At: filepath.Join(dir, "mount"), Dir: dir}
	s.buildPrograms(t)
	return s
}

func TestWholeRecord(t *testing.T) {
	s := newScene(t)
	tr := unbinding(t, s)
	counts := map[string]int{}
	last := ""
	tops := map[int]string{}
	_ = tr.each(func(n int, o op) error {
		if o.Kind == note {
			last = o.Told
			return nil
		}
		if o.Kind == create {
			if tops[o.Ino] = tops[o.Dir]; o.Dir == 0 {
				tops[o.Ino] = o.Name
			}
		}
		counts[last+"\t"+tops[o.Ino]]++
		return nil
	})
	for k, v := range counts {
		t.Log(v, k)
	}
}
