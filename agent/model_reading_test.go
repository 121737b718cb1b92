package agent

import (
	"encoding/json"
	"reflect"
	"sync"
)

// reading remembers texts, and what each was read as. Histories write the same
// notes over and over, and reading them again and again was a third of all the
// work. Whoever asks gets a copy of its own, so that nothing that is done to it
// comes back.
type reading struct {
	texts map[string]*text
	known map[*byte]*text // by where the one copy of each lies
	spelt map[reflect.Type]map[string]*text
	value builder
}

// text is one of them. Nobody writes into it.
type text struct {
	raw []byte
	as  []read
}

// read is what a text says, read into something that was first.
type read struct {
	first, v reflect.Value
	own      owner
}

// mostTexts bounds the memory; then it begins anew.
const mostTexts = 4_000

func newReading() *reading {
	return &reading{texts: map[string]*text{}, known: map[*byte]*text{}, spelt: map[reflect.Type]map[string]*text{}}
}

// keep is the one copy of a text.
func (r *reading) keep(raw []byte) []byte { return r.text(raw).raw }

func (r *reading) text(raw []byte) *text {
	if len(raw) == 0 {
		return &text{raw: []byte{}}
	}
	if t, ok := r.known[&raw[0]]; ok && len(t.raw) == len(raw) {
		return t
	}
	t, ok := r.texts[string(raw)]
	if !ok {
		if len(r.texts) >= mostTexts {
			clear(r.texts)
			clear(r.known)
			clear(r.spelt)
		}
		t = &text{raw: append([]byte(nil), raw...)}
		r.texts[string(raw)], r.known[&t.raw[0]] = t, t
	}
	return t
}

// read is json.Unmarshal, once for each text and what it is read into.
func (r *reading) read(raw []byte, v any) error {
	t, to := r.text(raw), reflect.ValueOf(v).Elem()
	empty := to.IsZero()
	for i := range t.as {
		k := &t.as[i]
		if k.v.Type() == to.Type() && empty == !k.first.IsValid() && (empty || reflect.DeepEqual(k.first.Interface(), to.Interface())) {
			to.Set(k.v)
			k.own.of(to)
			return nil
		}
	}
	k := read{own: ownerOf(to.Type())}
	if !empty { // what the text does not name stays as it was
		k.first = k.own.copy(to)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return err
	}
	k.v = k.own.copy(to)
	t.as = append(t.as, k)
	return nil
}

// write is json.Marshal, once for each value.
func (r *reading) write(v any) ([]byte, error) {
	r.value.begin()
	r.value.put(reflect.ValueOf(v))
	as := reflect.TypeOf(v)
	if t, ok := r.spelt[as][string(r.value.out)]; ok {
		return t.raw, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	t := r.text(raw)
	if r.spelt[as] == nil {
		r.spelt[as] = map[string]*text{}
	}
	r.spelt[as][string(r.value.out)] = t
	return t.raw, nil
}

// owner gives a value that was copied flat its own slices, maps and pointers; nil
// where nothing is shared.
type owner func(reflect.Value)

var owners sync.Map // type -> owner

func (o owner) of(v reflect.Value) {
	if o != nil {
		o(v)
	}
}

// copy is a value that shares nothing with v.
func (o owner) copy(v reflect.Value) reflect.Value {
	to := reflect.New(v.Type()).Elem()
	to.Set(v)
	o.of(to)
	return to
}

func ownerOf(t reflect.Type) owner {
	if known, ok := owners.Load(t); ok {
		return known.(owner)
	}
	o := makeOwner(t)
	owners.Store(t, o)
	return o
}

func makeOwner(t reflect.Type) owner {
	switch t.Kind() {
	case reflect.Pointer:
		return func(v reflect.Value) {
			if !v.IsNil() {
				v.Set(ownerOf(t.Elem()).copy(v.Elem()).Addr())
			}
		}
	case reflect.Interface:
		return func(v reflect.Value) {
			if !v.IsNil() {
				v.Set(ownerOf(v.Elem().Type()).copy(v.Elem()))
			}
		}
	case reflect.Slice:
		each := ownerOf(t.Elem())
		return func(v reflect.Value) {
			n := v.Len()
			if v.Cap() == 0 {
				return // nil, or nothing that could be written to
			}
			to := reflect.MakeSlice(t, n, n)
			reflect.Copy(to, v)
			for i := 0; each != nil && i < n; i++ {
				each(to.Index(i))
			}
			v.Set(to)
		}
	case reflect.Map:
		each := ownerOf(t.Elem())
		return func(v reflect.Value) {
			if v.IsNil() {
				return
			}
			to := reflect.MakeMapWithSize(t, v.Len())
			for at := v.MapRange(); at.Next(); {
				to.SetMapIndex(at.Key(), each.copy(at.Value()))
			}
			v.Set(to)
		}
	case reflect.Array:
		each := ownerOf(t.Elem())
		if each == nil {
			return nil
		}
		return func(v reflect.Value) {
			for i := range v.Len() {
				each(v.Index(i))
			}
		}
	case reflect.Struct:
		return ownerOfStruct(t)
	}
	return nil
}

func ownerOfStruct(t reflect.Type) owner {
	type field struct {
		i   int
		own owner
	}
	var fields []field
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			if own := ownerOf(f.Type); own != nil {
				fields = append(fields, field{i, own})
			}
		}
	}
	if fields == nil {
		return nil
	}
	return func(v reflect.Value) {
		for _, f := range fields {
			f.own(v.Field(f.i))
		}
	}
}
