package envelope

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// plan reads one value of a type out of a text in canonical form, and takes nothing
// that Canonical would write otherwise. False says nothing: the long way finds out.
type plan func(f *form, to reflect.Value, depth int) bool

// plans are those of every type that was decoded; nil where a type has something
// that only encoding/json knows how to read.
var plans sync.Map

// readInForm decodes a payload in one pass: members in order, each that the type
// must have and none that it has not, every string of its class. What is read so
// is what Canonical would write again, so nothing has to be written to see that.
func readInForm(payload []byte, v any) bool {
	to := reflect.ValueOf(v)
	if to.Kind() != reflect.Pointer || to.IsNil() || !to.Elem().IsZero() {
		return false
	}
	to = to.Elem()
	known, ok := plans.Load(to.Type())
	if !ok {
		known, _ = plans.LoadOrStore(to.Type(), planOf(to.Type(), nil))
	}
	p, _ := known.(plan)
	if p == nil {
		return false
	}
	f := form{text: payload}
	if p(&f, to, 0) && f.at == len(f.text) {
		return true
	}
	to.SetZero()
	return false
}

// classes are the string types with a form of their own.
var classes = map[reflect.Type]func(string) bool{
	reflect.TypeFor[ID]():        idForm,
	reflect.TypeFor[Digest]():    digestForm,
	reflect.TypeFor[KeyID]():     keyIDForm,
	reflect.TypeFor[Masked]():    bounded(maskedForm),
	reflect.TypeFor[Recipient](): bounded(recipientForm),
}

func bounded(class func(string) bool) func(string) bool {
	return func(s string) bool { return len(s) <= maxText && class(s) }
}

// speaks says that a type has its own way of being written or read.
func speaks(t reflect.Type) bool {
	for _, way := range []reflect.Type{
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[json.Unmarshaler](),
		reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[encoding.TextUnmarshaler](),
	} {
		if t.Implements(way) || reflect.PointerTo(t).Implements(way) {
			return true
		}
	}
	return false
}

// planOf makes the plan of a type, nil where there can be none. within are the types
// that it is part of: one that holds itself has none.
func planOf(t reflect.Type, within []reflect.Type) plan {
	if class, ok := classes[t]; ok {
		return stringPlan(class)
	}
	if t.Kind() == reflect.Pointer && t.Name() == "" { // what it points to may speak for it
		return pointerPlan(planOf(t.Elem(), within))
	}
	if speaks(t) || slices.Contains(within, t) {
		return nil
	}
	within = append(slices.Clip(within), t)
	switch t.Kind() {
	case reflect.String:
		return stringPlan(func(string) bool { return true })
	case reflect.Bool:
		return boolPlan
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intPlan
	case reflect.Slice:
		if t.Elem() == reflect.TypeFor[byte]() {
			return bytesPlan
		}
		return slicePlan(planOf(t.Elem(), within))
	case reflect.Map:
		return mapPlan(t, planOf(t.Key(), within), planOf(t.Elem(), within))
	case reflect.Struct:
		return structPlan(t, within)
	}
	return nil
}

func stringPlan(class func(string) bool) plan {
	return func(f *form, to reflect.Value, _ int) bool {
		text, ok := f.string()
		if !ok {
			return false
		}
		s := string(text)
		to.SetString(s)
		return class(s)
	}
}

func boolPlan(f *form, to reflect.Value, _ int) bool {
	yes := f.word("true")
	to.SetBool(yes)
	return yes || f.word("false")
}

func intPlan(f *form, to reflect.Value, _ int) bool {
	n, ok := f.number()
	if !ok || to.OverflowInt(n) {
		return false
	}
	to.SetInt(n)
	return true
}

func bytesPlan(f *form, to reflect.Value, _ int) bool {
	text, ok := f.string()
	if !ok {
		return false
	}
	b, ok := exactly(text)
	to.SetBytes(b)
	return ok
}

func pointerPlan(elem plan) plan {
	if elem == nil {
		return nil
	}
	return func(f *form, to reflect.Value, depth int) bool {
		to.Set(reflect.New(to.Type().Elem()))
		return elem(f, to.Elem(), depth)
	}
}

// few is how many elements a list gets room for at first.
const few = 4

func slicePlan(elem plan) plan {
	if elem == nil {
		return nil
	}
	return func(f *form, to reflect.Value, depth int) bool {
		if depth >= maxDepth || !f.next('[') {
			return false
		}
		to.Set(reflect.MakeSlice(to.Type(), 0, 0))
		for n := 0; !f.next(']'); n++ {
			if n > 0 && !f.next(',') {
				return false
			}
			if n == to.Cap() {
				to.Grow(max(few, n))
			}
			to.SetLen(n + 1)
			if !elem(f, to.Index(n), depth+1) {
				return false
			}
		}
		return true
	}
}

// mapPlan wants the keys in order, which also leaves none twice.
func mapPlan(t reflect.Type, key, elem plan) plan {
	if key == nil || elem == nil || t.Key().Kind() != reflect.String {
		return nil
	}
	return func(f *form, to reflect.Value, depth int) bool {
		if depth >= maxDepth || !f.next('{') {
			return false
		}
		to.Set(reflect.MakeMap(t))
		k, v, before := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem(), ""
		for first := true; !f.next('}'); first = false {
			v.SetZero()
			if !first && !f.next(',') || !key(f, k, depth+1) || !first && k.String() <= before || !f.next(':') || !elem(f, v, depth+1) {
				return false
			}
			before = k.String()
			to.SetMapIndex(k, v)
		}
		return true
	}
}

// member is one field of a type on the wire.
type member struct {
	name  string // with the quotes and the colon
	at    int
	may   bool // it is left out where it is empty; a struct never is
	value plan
}

func structPlan(t reflect.Type, within []reflect.Type) plan {
	var members []member
	for i := range t.NumField() {
		field := t.Field(i)
		tag, how, _ := strings.Cut(field.Tag.Get("json"), ",")
		m := member{name: tag, at: i, may: how == "omitempty" && field.Type.Kind() != reflect.Struct, value: planOf(field.Type, within)}
		if tag == "" {
			m.name = field.Name
		}
		switch {
		case field.Anonymous, !field.IsExported(), tag == "-", how != "" && how != "omitempty", m.value == nil, !inForm([]byte(`"` + m.name + `"`)):
			return nil
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	for i := range members {
		if i > 0 && members[i].name == members[i-1].name {
			return nil
		}
	}
	for i := range members {
		members[i].name = `"` + members[i].name + `":`
	}
	return func(f *form, to reflect.Value, depth int) bool {
		if depth >= maxDepth || !f.next('{') {
			return false
		}
		first := true
		for i := range members {
			m := &members[i]
			from := f.at
			if !first && !f.next(',') || !f.word(m.name) {
				if f.at = from; !m.may {
					return false
				}
				continue
			}
			first = false
			value := to.Field(m.at)
			if !m.value(f, value, depth+1) || m.may && empty(value) {
				return false
			}
		}
		return f.next('}')
	}
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}
