package configs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prefix begins the name of every variable that is a setting.
const prefix = "UNBINDD_"

// variable is the name of a key in the environment.
func variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environment takes every variable that begins with the prefix. One that names
// nothing is a problem: it was meant to change something and would not.
func (l *load) environment(environ []string) {
	keys := map[string]string{}
	for _, key := range l.schema.leaves() {
		keys[variable(key)] = key
	}
	environ = slices.Sorted(slices.Values(environ))
	for _, assignment := range environ {
		name, value, _ := strings.Cut(assignment, "=")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		key, known := keys[name]
		if !known {
			l.problems = append(l.problems, Problem{
				Where: "environment", Text: quoted(name) + " is not a setting", Hint: didYouMean(closest(name, slices.Sorted(maps.Keys(keys)))),
			})
			continue
		}
		l.give(key, value, name)
	}
}

// flags takes values by key, as a command line gives them.
func (l *load) flags(flags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		if k := l.schema[key]; k == "" || k == group {
			l.problems = append(l.problems, Problem{
				Where: "command line", Text: quoted(key) + " is not a setting", Hint: didYouMean(closest(key, l.schema.leaves())),
			})
			continue
		}
		l.give(key, flags[key], "command line")
	}
}

func (l *load) give(key, value, source string) {
	v, wrong := valueOf(l.schema[key], value)
	if wrong != nil {
		l.problems = append(l.problems, Problem{Where: source, Text: fmt.Sprintf("%s: %s", key, wrong.text), Hint: wrong.hint})
		return
	}
	l.set(key, v, spot{source: source})
}

// closest is the word that was probably meant, or empty.
func closest(word string, words []string) string {
	best, least := "", 4
	for _, w := range words {
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}
