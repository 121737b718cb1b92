package configs

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// kind is what a value of a key may be.
type kind string

const (
	group    kind = "a group of keys"
	text     kind = "text"
	number   kind = "a whole number"
	duration kind = "a duration"
	size     kind = "a size"
	list     kind = "a list of texts"
)

// schema tells the kind of every key, written with dots; "" is the whole file.
type schema map[string]kind

// schemaOf takes the keys from the yaml tags of a struct, so that a package
// that adds a setting to its Config has to do nothing else but give a default.
func schemaOf(config any) schema {
	s := schema{"": group}
	s.add("", reflect.TypeOf(config))
	return s
}

func (s schema) add(prefix string, t reflect.Type) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if options == "inline" {
			s.add(prefix, field.Type)
			continue
		}
		key := prefix + name
		k := kindOf(field.Type)
		s[key] = k
		if k == group {
			s.add(key+".", field.Type)
		}
	}
}

// kindOf knows every type a Config may use. Sizes are the only int64.
func kindOf(t reflect.Type) kind {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return duration
	case t == reflect.TypeFor[int64]():
		return size
	case t == reflect.TypeFor[[]string]():
		return list
	case t.Kind() == reflect.String:
		return text
	case t.Kind() == reflect.Int:
		return number
	case t.Kind() == reflect.Struct:
		return group
	}
	panic("a setting cannot be of type " + t.String())
}

// leaves are the keys that have values, sorted.
func (s schema) leaves() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for key, k := range s {
			if k != group && !yield(key) {
				return
			}
		}
	})
}

// nearest is the key that was probably meant by a word of the given group, or
// of all groups if none there is near; empty if there is none.
func (s schema) nearest(prefix, word string) string {
	best, least := "", 3
	for _, key := range slices.Sorted(maps.Keys(s)) {
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || name == "" || strings.Contains(name, ".") {
			continue
		}
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	return best
}

// elsewhere is where a key of this name stands in another group, or empty.
func (s schema) elsewhere(word string) string {
	for _, key := range s.leaves() {
		if strings.HasSuffix(key, "."+word) || key == word {
			return key
		}
	}
	return ""
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
