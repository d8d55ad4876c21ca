package awsemu

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// The operations take and give the SDK's own input and output structs. This file turns a decoded request body (whatever
// the protocol, a tree of maps, lists and scalars) into such an input, and an output into a tree that the three writers
// in write.go print. It does not go through the SDK's serialisers: those only encode requests, they move between
// releases, and an encoder shared with the client could not be caught in a mistake.

// object is an ordered set of members: a structure, or a map with its keys sorted.
type object struct {
	members []member
	isMap   bool
}

type member struct {
	name  string
	value any
}

// fromStruct gives the tree of an SDK output: object, []any, string, bool, int64, float64 or time.Time. Nil pointers, nil
// lists and empty enumerations are left out, as AWS leaves them out.
// treeOf is fromStruct for an output.
func treeOf(svc *service, out any) any { return fromStruct(svc, reflect.ValueOf(out)) }

func fromStruct(svc *service, v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return fromStruct(svc, v.Elem())
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t
		}
		var o object
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || f.Name == "ResultMetadata" {
				continue
			}
			if c := fromStruct(svc, v.Field(i)); c != nil {
				o.members = append(o.members, member{svc.memberName(f.Name), c})
			}
		}
		return o
	case reflect.Slice:
		if v.IsNil() {
			return nil
		}
		list := make([]any, 0, v.Len())
		for i := range v.Len() {
			list = append(list, fromStruct(svc, v.Index(i)))
		}
		return list
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		o := object{isMap: true}
		for _, k := range v.MapKeys() {
			o.members = append(o.members, member{k.String(), fromStruct(svc, v.MapIndex(k))})
		}
		slices.SortFunc(o.members, func(a, b member) int { return strings.Compare(a.name, b.name) })
		return o
	case reflect.String:
		if v.Len() == 0 && v.Type().Name() != "string" { // an enumeration that was not set
			return nil
		}
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Float32, reflect.Float64:
		return v.Float()
	}
	panic(fmt.Sprintf("awsemu: no wire form for %s", v.Type()))
}

// A wireError says which parameter of a request does not fit the operation's input.
type wireError struct{ path, problem string }

func (e *wireError) Error() string { return e.path + ": " + e.problem }

// intoStruct fills an SDK input from a decoded body. A parameter that the input does not have is an error, never skipped.
func intoStruct(svc *service, tree any, v reflect.Value, path string) error {
	wrong := func(want string) error { return &wireError{path, "want " + want} }
	if tree == nil {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return intoStruct(svc, tree, v.Elem(), path)
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			t, ok := timeOf(tree)
			if !ok {
				return wrong("a timestamp")
			}
			v.Set(reflect.ValueOf(t))
			return nil
		}
		m, ok := tree.(map[string]any)
		if !ok {
			return wrong("a structure")
		}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			f := fieldNamed(svc, v, name)
			at := strings.TrimPrefix(path+"."+name, ".")
			if !f.IsValid() {
				return &wireError{at, "unknown parameter"}
			}
			if err := intoStruct(svc, m[name], f, at); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice:
		list, ok := listOf(tree)
		if !ok {
			return wrong("a list")
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, e := range list {
			if err := intoStruct(svc, e, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	case reflect.Map:
		m, ok := tree.(map[string]any)
		if !ok {
			return wrong("a map")
		}
		v.Set(reflect.MakeMap(v.Type()))
		for k, e := range m {
			c := reflect.New(v.Type().Elem()).Elem()
			if err := intoStruct(svc, e, c, path+"."+k); err != nil {
				return err
			}
			v.SetMapIndex(reflect.ValueOf(k).Convert(v.Type().Key()), c)
		}
		return nil
	case reflect.String:
		s, ok := tree.(string)
		if !ok {
			return wrong("a string")
		}
		v.SetString(s)
		return nil
	case reflect.Bool:
		switch t := tree.(type) {
		case bool:
			v.SetBool(t)
		case string: // a form has only text
			b, err := strconv.ParseBool(t)
			if err != nil {
				return wrong("true or false")
			}
			v.SetBool(b)
		default:
			return wrong("true or false")
		}
		return nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		f, ok := numberOf(tree)
		if !ok || f != math.Trunc(f) || v.OverflowInt(int64(f)) {
			return wrong("an integer")
		}
		v.SetInt(int64(f))
		return nil
	case reflect.Float64:
		f, ok := numberOf(tree)
		if !ok {
			return wrong("a number")
		}
		v.SetFloat(f)
		return nil
	}
	return wrong("nothing: " + v.Type().String() + " can't be sent")
}

func fieldNamed(svc *service, v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && f.Name != "ResultMetadata" && svc.memberName(f.Name) == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// listOf takes a list, or the map that a form makes of one: {"member": {"1": …, "2": …}}.
func listOf(tree any) ([]any, bool) {
	switch t := tree.(type) {
	case []any:
		return t, true
	case string:
		return nil, t == "" // an empty list in a form: Name=
	case map[string]any:
		m, ok := t["member"].(map[string]any)
		if !ok || len(t) != 1 {
			return nil, false
		}
		list := make([]any, len(m))
		for k, e := range m {
			i, err := strconv.Atoi(k)
			if err != nil || i < 1 || i > len(m) {
				return nil, false
			}
			list[i-1] = e
		}
		return list, true
	}
	return nil, false
}

func numberOf(tree any) (float64, bool) {
	switch t := tree.(type) {
	case json.Number:
		f, err := t.Float64()
		return f, err == nil
	case float64:
		return t, true
	case int64:
		return float64(t), true
	case string:
		f, err := strconv.ParseFloat(t, 64)
		return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return 0, false
}

func timeOf(tree any) (time.Time, bool) {
	switch t := tree.(type) {
	case time.Time:
		return t, true
	case string:
		at, err := time.Parse(time.RFC3339Nano, t)
		return at.UTC(), err == nil
	}
	f, ok := numberOf(tree)
	return epoch(f), ok
}

func epoch(seconds float64) time.Time {
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
}

// formTree makes a tree of the dotted names of a form.
func formTree(form map[string][]string) (map[string]any, error) {
	root := map[string]any{}
	for name, values := range form {
		if len(values) != 1 {
			return nil, &wireError{name, "given more than once"}
		}
		at, parts := root, strings.Split(name, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				if _, taken := at[p]; taken {
					return nil, &wireError{name, "both a value and a structure"}
				}
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		last := parts[len(parts)-1]
		if _, taken := at[last]; taken {
			return nil, &wireError{name, "both a value and a structure"}
		}
		at[last] = values[0]
	}
	return root, nil
}

// cborTree makes a tree of a decoded CBOR value.
func cborTree(v cbor.Value) any {
	switch t := v.(type) {
	case cbor.Map:
		m := make(map[string]any, len(t))
		for k, e := range t {
			m[k] = cborTree(e)
		}
		return m
	case cbor.List:
		list := make([]any, 0, len(t))
		for _, e := range t {
			list = append(list, cborTree(e))
		}
		return list
	case cbor.String:
		return string(t)
	case cbor.Bool:
		return bool(t)
	case cbor.Uint:
		return float64(t)
	case cbor.NegInt:
		return -float64(t)
	case cbor.Float32:
		return float64(t)
	case cbor.Float64:
		return float64(t)
	case *cbor.Tag:
		if f, ok := numberOf(cborTree(t.Value)); ok && t.ID == 1 {
			return epoch(f)
		}
	}
	return nil
}
