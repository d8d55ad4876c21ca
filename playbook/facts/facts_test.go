package facts

import (
	"reflect"
	"testing"
	"time"
)

// A field that is not stored would be lost when an investigation changes
// processes: every field of every fact must be exported and have a JSON name.
func TestEveryFieldIsStored(t *testing.T) {
	var walk func(path string, ty reflect.Type)
	walk = func(path string, ty reflect.Type) {
		switch ty.Kind() {
		case reflect.Slice, reflect.Pointer, reflect.Map:
			walk(path, ty.Elem())
		case reflect.Struct:
			if ty == reflect.TypeFor[time.Time]() {
				return
			}
			for f := range ty.Fields() {
				if !f.IsExported() {
					t.Errorf("%s.%s is not exported", path, f.Name)
				}
				if f.Tag.Get("json") == "" {
					t.Errorf("%s.%s has no json name", path, f.Name)
				}
				walk(path+"."+f.Name, f.Type)
			}
		}
	}
	for _, v := range []any{RoleAndHealth{}, STSErrors{}, RoleConfig{}, STSMetrics{}, SessionLedger{}, AppErrors{}, CrossAccount{}, TrustChanges{}, Federation{}} {
		walk(reflect.TypeOf(v).Name(), reflect.TypeOf(v))
	}
}
