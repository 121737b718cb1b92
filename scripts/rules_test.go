package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule is one patch of scripts/rules: it takes a rule out of the code, and names
// the test that must notice. `make rules` runs them all; here it is only seen to
// that they still can be run.
type rule struct {
	name     string // of the file, without its ending
	sentence string
	pkg      string
	tests    []string
}

var (
	headLine = regexp.MustCompile(`(?m)^# (Rule|Package|Test): (.+)$`)
	testName = regexp.MustCompile(`\bTest[A-Za-z0-9_]+`)
	docRow   = regexp.MustCompile("(?m)^\\| (.+?) \\| .+ \\| .+ \\| `([0-9]{4}-[a-z0-9-]+)` \\|$")
)

func readRules(t *testing.T) (rules []rule) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("rules", "*.patch"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no rules: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := rule{name: strings.TrimSuffix(filepath.Base(path), ".patch")}
		for _, m := range headLine.FindAllStringSubmatch(string(text), -1) {
			switch m[1] {
			case "Rule":
				r.sentence = m[2]
			case "Package":
				r.pkg = m[2]
			case "Test":
				r.tests = testName.FindAllString(m[2], -1)
			}
		}
		rules = append(rules, r)
	}
	return rules
}

// docs/RULES.md names every rule by its own sentence, and none that is not there.
func TestTheTableNamesEveryRule(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "RULES.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range docRow.FindAllStringSubmatch(string(doc), -1) {
		told[m[2]] = m[1]
	}
	for _, r := range readRules(t) {
		if told[r.name] != r.sentence {
			t.Errorf("RULES.md says %q of %s, the patch says %q", told[r.name], r.name, r.sentence)
		}
		delete(told, r.name)
	}
	for name := range told {
		t.Errorf("RULES.md names %s, and there is no such patch", name)
	}
}

// A patch that does not apply any more means that a rule has moved, or gone.
func TestEveryRuleCanStillBeRemoved(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatalf("git is needed to look: %v", err)
	}
	for _, r := range readRules(t) {
		if out, err := exec.Command("git", "-C", "..", "apply", "--check", filepath.Join("scripts", "rules", r.name+".patch")).CombinedOutput(); err != nil {
			t.Errorf("the place of %s has moved: %s", r.name, out)
		}
	}
}

// The test that a patch names is there.
func TestEveryRuleNamesATest(t *testing.T) {
	for _, r := range readRules(t) {
		files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(r.pkg), "*_test.go"))
		if err != nil || len(files) == 0 || len(r.tests) == 0 {
			t.Errorf("%s names no test: package %q, tests %v, %v", r.name, r.pkg, r.tests, err)
			continue
		}
		var have []string
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(string(text), "\n") {
				if name, is := strings.CutPrefix(line, "func "); is {
					have = append(have, testName.FindString(name))
				}
			}
		}
		for _, name := range r.tests {
			if !slices.Contains(have, name) {
				t.Errorf("%s names %s, and %s has no such test", r.name, name, r.pkg)
			}
		}
	}
}
