package agent

import (
	"encoding/json"
	"reflect"
	"sync"
)

// reading remembers what a text was read as. Histories write the same notes over
// and over, and reading them again and again was a third of all the work. Whoever
// asks gets a copy of its own, so that nothing that is done to it comes back.
type reading struct{ known map[text]reflect.Value }

type text struct {
	as   reflect.Type
	said string
}

// mostTexts bounds the memory; then it begins anew.
const mostTexts = 4_000

var sharing sync.Map // type -> whether it shares

func newReading() *reading { return &reading{known: map[text]reflect.Value{}} }

func (r *reading) read(raw []byte, v any) error {
	to := reflect.ValueOf(v).Elem()
	if !to.IsZero() {
		return json.Unmarshal(raw, v) // what the text does not name must stay
	}
	have, ok := r.known[text{to.Type(), string(raw)}]
	if !ok {
		have = reflect.New(to.Type()).Elem()
		if err := json.Unmarshal(raw, have.Addr().Interface()); err != nil {
			return err
		}
		if len(r.known) >= mostTexts {
			clear(r.known)
		}
		r.known[text{to.Type(), string(raw)}] = have
	}
	to.Set(have)
	own(to)
	return nil
}

// own gives a value that was copied flat its own slices, maps and pointers.
func own(v reflect.Value) {
	if !shares(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		to := reflect.New(v.Elem().Type())
		to.Elem().Set(v.Elem())
		own(to.Elem())
		if v.Kind() == reflect.Interface {
			to = to.Elem()
		}
		v.Set(to)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		to := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(to, v)
		for i := range to.Len() {
			own(to.Index(i))
		}
		v.Set(to)
	case reflect.Array:
		for i := range v.Len() {
			own(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		to := reflect.MakeMapWithSize(v.Type(), v.Len())
		for at := v.MapRange(); at.Next(); {
			one := reflect.New(v.Type().Elem()).Elem()
			one.Set(at.Value())
			own(one)
			to.SetMapIndex(at.Key(), one)
		}
		v.Set(to)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				own(f)
			}
		}
	}
}

// shares says whether a flat copy of a type shares memory that can be written.
func shares(t reflect.Type) (yes bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	case reflect.Array:
		return shares(t.Elem())
	case reflect.Struct:
		if known, ok := sharing.Load(t); ok {
			return known.(bool)
		}
		for i := range t.NumField() {
			yes = yes || shares(t.Field(i).Type)
		}
		sharing.Store(t, yes)
	}
	return yes
}
