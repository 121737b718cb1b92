package scripts

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// fewestSeeds is what a fuzz target must have committed: one input that is
// good and one that is not.
const fewestSeeds = 2

// TestEveryFuzzTargetHasSeeds holds this repository against the rule.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	findings, err := unseeded(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

func TestATargetWithoutSeedsIsFound(t *testing.T) {
	target := text("package a\n\nfunc FuzzOne(f *testing.F) {}\n")
	seed := text("go test fuzz v1\n[]byte(\"x\")\n")
	for name, c := range map[string]struct {
		tree fstest.MapFS
		want []string
	}{
		"none": {fstest.MapFS{"a/a_test.go": target}, []string{"a: FuzzOne has 0 seeds in testdata/fuzz/FuzzOne, wants 2"}},
		"one":  {fstest.MapFS{"a/a_test.go": target, "a/testdata/fuzz/FuzzOne/good": seed}, []string{"a: FuzzOne has 1 seeds in testdata/fuzz/FuzzOne, wants 2"}},
		"two":  {fstest.MapFS{"a/a_test.go": target, "a/testdata/fuzz/FuzzOne/good": seed, "a/testdata/fuzz/FuzzOne/bad": seed}, nil},
		"of a target that is gone": {
			fstest.MapFS{"a/a_test.go": text("package a\n"), "a/testdata/fuzz/FuzzOne/good": seed},
			[]string{"a/testdata/fuzz/FuzzOne: there is no such target"},
		},
		"in no form": {
			fstest.MapFS{"a/a_test.go": target, "a/testdata/fuzz/FuzzOne/good": seed, "a/testdata/fuzz/FuzzOne/bad": text("x")},
			[]string{"a/testdata/fuzz/FuzzOne/bad: is no seed"},
		},
	} {
		findings, err := unseeded(c.tree)
		if err != nil || !slices.Equal(findings, c.want) {
			t.Errorf("%s: %v, %q", name, err, findings)
		}
	}
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// unseeded finds targets without seeds, and seeds without a target.
func unseeded(house fs.FS) (findings []string, err error) {
	targets, seeds := map[string]bool{}, map[string]int{}
	err = fs.WalkDir(house, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if strings.HasPrefix(name, ".") && name != "." || name == "fuzz-out" || name == "bench-out" {
				return fs.SkipDir
			}
			return nil
		}
		dir, isSeed := path.Dir(name), strings.Contains(name, "testdata/fuzz/")
		if !isSeed && !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		body, err := fs.ReadFile(house, name)
		if isSeed {
			seeds[dir]++
			if !strings.HasPrefix(string(body), "go test fuzz v1\n") {
				findings = append(findings, name+": is no seed")
			}
			return err
		}
		for _, found := range fuzzTarget.FindAllSubmatch(body, -1) {
			targets[path.Join(dir, "testdata", "fuzz", string(found[1]))] = true
		}
		return err
	})
	for at := range targets {
		if n := seeds[at]; n < fewestSeeds {
			dir, below, _ := strings.Cut(at, "/testdata/")
			findings = append(findings, fmt.Sprintf("%s: %s has %d seeds in testdata/%s, wants %d", dir, path.Base(at), n, below, fewestSeeds))
		}
	}
	for at := range seeds {
		if !targets[at] {
			findings = append(findings, at+": there is no such target")
		}
	}
	slices.Sort(findings)
	return findings, err
}
