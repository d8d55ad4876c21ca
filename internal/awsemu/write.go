package awsemu

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// The three ways in which a tree goes back over the wire.

// writeXML prints the members of o as elements, lists as <member>, maps as <entry><key/><value/></entry>.
func writeXML(b *bytes.Buffer, v any) {
	switch t := v.(type) {
	case object:
		for _, m := range t.members {
			if t.isMap {
				b.WriteString("<entry><key>")
				xml.EscapeText(b, []byte(m.name))
				b.WriteString("</key><value>")
				writeXML(b, m.value)
				b.WriteString("</value></entry>")
				continue
			}
			b.WriteString("<" + m.name + ">")
			writeXML(b, m.value)
			b.WriteString("</" + m.name + ">")
		}
	case []any:
		for _, e := range t {
			b.WriteString("<member>")
			writeXML(b, e)
			b.WriteString("</member>")
		}
	case string:
		xml.EscapeText(b, []byte(t))
	case bool:
		b.WriteString(strconv.FormatBool(t))
	case int64:
		b.WriteString(strconv.FormatInt(t, 10))
	case float64:
		b.WriteString(strconv.FormatFloat(t, 'g', -1, 64))
	case time.Time:
		b.WriteString(t.UTC().Format("2006-01-02T15:04:05Z"))
	default:
		panic(fmt.Sprintf("awsemu: no XML for %T", v))
	}
}

// writeJSON prints times as seconds since the epoch, as the awsJson protocols do.
func writeJSON(b *bytes.Buffer, v any) {
	switch t := v.(type) {
	case object:
		b.WriteByte('{')
		for i, m := range t.members {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, m.name)
			b.WriteByte(':')
			writeJSON(b, m.value)
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range t {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, e)
		}
		b.WriteByte(']')
	case time.Time:
		b.WriteString(strconv.FormatFloat(seconds(t), 'f', -1, 64))
	case string, bool, int64, float64:
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(t); err != nil {
			panic(fmt.Sprintf("awsemu: no JSON for %v: %v", t, err))
		}
		b.Truncate(b.Len() - 1) // the encoder's newline
	default:
		panic(fmt.Sprintf("awsemu: no JSON for %T", v))
	}
}

// cborValue prints times as tag 1 (seconds since the epoch).
func cborValue(v any) cbor.Value {
	switch t := v.(type) {
	case object:
		m := make(cbor.Map, len(t.members))
		for _, e := range t.members {
			m[e.name] = cborValue(e.value)
		}
		return m
	case []any:
		list := make(cbor.List, 0, len(t))
		for _, e := range t {
			list = append(list, cborValue(e))
		}
		return list
	case string:
		return cbor.String(t)
	case bool:
		return cbor.Bool(t)
	case int64:
		if t < 0 {
			return cbor.NegInt(uint64(-t))
		}
		return cbor.Uint(uint64(t))
	case float64:
		return cbor.Float64(t)
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(seconds(t))}
	}
	panic(fmt.Sprintf("awsemu: no CBOR for %T", v))
}

func seconds(t time.Time) float64 { return math.Round(float64(t.UnixMilli())) / 1000 }
