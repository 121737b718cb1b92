package agent

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
)

// builder writes values down one after the other, so that the same text means the
// same value; what two point at is written once.
type builder struct {
	out  []byte
	seen map[place]int
}

type place struct {
	at uintptr
	as reflect.Type
}

func (b *builder) begin() {
	b.out = b.out[:0]
	clear(b.seen)
}

func (b *builder) number(n int) { b.out = binary.AppendVarint(b.out, int64(n)) }

func (b *builder) put(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		b.out = strconv.AppendBool(b.out, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		b.out = binary.AppendVarint(b.out, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		b.out = binary.AppendUvarint(b.out, v.Uint())
	case reflect.String:
		b.number(v.Len())
		b.out = append(b.out, v.String()...)
	case reflect.Slice:
		if v.IsNil() {
			b.number(-1)
			return
		}
		b.number(v.Len())
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b.out = append(b.out, v.Bytes()...)
			return
		}
		for i := range v.Len() {
			b.put(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			b.put(v.Index(i))
		}
	case reflect.Map:
		b.table(v)
	case reflect.Struct:
		for _, i := range fieldsOf(v.Type()) {
			b.put(v.Field(i))
		}
	case reflect.Pointer:
		if v.IsNil() {
			b.number(-1)
			return
		}
		at := place{v.Pointer(), v.Type()}
		n, been := b.seen[at]
		if !been {
			if b.seen == nil {
				b.seen = map[place]int{}
			}
			n = len(b.seen)
			b.seen[at] = n
		}
		b.number(n)
		if !been {
			b.put(v.Elem())
		}
	case reflect.Interface:
		if v.IsNil() {
			b.number(-1)
			return
		}
		kind := v.Elem().Type().String()
		b.number(len(kind))
		b.out = append(b.out, kind...)
		b.put(v.Elem())
	default:
		if v.Kind() == reflect.Func && v.IsNil() {
			return // a mistake that is not planted
		}
		panic(fmt.Sprintf("nobody can tell two of %s apart", v.Type()))
	}
}

// table writes a map in the order of its keys.
func (b *builder) table(v reflect.Value) {
	type row struct {
		key   []byte
		value reflect.Value
	}
	var rows []row
	for at := v.MapRange(); at.Next(); {
		k := builder{}
		k.put(at.Key())
		rows = append(rows, row{k.out, at.Value()})
	}
	slices.SortFunc(rows, func(x, y row) int { return bytes.Compare(x.key, y.key) })
	b.number(len(rows))
	for _, r := range rows {
		b.out = append(b.out, r.key...)
		b.put(r.value)
	}
}

var telling sync.Map // type -> the fields that tell

func fieldsOf(t reflect.Type) []int {
	if known, ok := telling.Load(t); ok {
		return known.([]int)
	}
	var all []int
	for i := range t.NumField() {
		if !slices.Contains(apart[t], t.Field(i).Name) {
			all = append(all, i)
		}
	}
	telling.Store(t, all)
	return all
}
