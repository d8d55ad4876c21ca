package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
)

// Handler cuts secrets out of everything that is logged through h: messages,
// and attributes of whatever type. Errors wrap what AWS, Slack or Redis said,
// and that may quote what was sent.
func Handler(h slog.Handler) slog.Handler {
	if _, ok := h.(handler); ok {
		return h
	}
	return handler{h}
}

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, String(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(attr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = attr(a)
	}
	return handler{h.Handler.WithAttrs(out)}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

func attr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		text := v.String()
		if cut := cutField(secretName(a.Key), text); cut != text {
			v = slog.StringValue(cut)
		}
	case slog.KindGroup:
		group := make([]slog.Attr, len(v.Group()))
		for i, x := range v.Group() {
			group[i] = attr(x)
		}
		v = slog.GroupValue(group...)
	case slog.KindAny:
		v = anything(v)
	}
	return slog.Attr{Key: String(a.Key), Value: v}
}

// anything leaves a value as it is unless it reads as something with a secret.
func anything(v slog.Value) slog.Value {
	var text string
	switch x := v.Any().(type) {
	case nil:
		return v
	case error:
		text = x.Error()
	case fmt.Stringer:
		text = x.String()
	default:
		raw, err := json.Marshal(x)
		if err != nil {
			text = fmt.Sprintf("%+v", x)
			break
		}
		if cut := JSON(raw); string(cut) != string(raw) {
			return slog.AnyValue(json.RawMessage(cut))
		}
		text = fmt.Sprintf("%+v", x)
	}
	if cut := String(text); cut != text {
		return slog.StringValue(cut)
	}
	return v
}
