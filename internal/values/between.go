package values

import (
	"fmt"
	"slices"
)

// Between are the edits that lead from one set of values to another, in the
// order of their keys. Of lists that only grew at the end the new elements are
// appended, of lists of one length the elements are compared, others are set
// as a whole.
func Between(before, after map[string]any) []Edit { return between(before, after, nil) }

func between(before, after map[string]any, at Path) []Edit {
	var out []Edit
	for _, k := range sortedKeys(before) {
		if _, stays := after[k]; !stays {
			out = append(out, Edit{Path: at.child(k), Op: Remove})
		}
	}
	for _, k := range sortedKeys(after) {
		old, had := before[k]
		if !had {
			out = append(out, Edit{Path: at.child(k), Value: after[k]})
			continue
		}
		out = append(out, betweenAny(old, after[k], at.child(k))...)
	}
	return out
}

func betweenAny(old, now any, at Path) []Edit {
	if equal(old, now) {
		return nil
	}
	was, wasMap := old.(map[string]any)
	is, isMap := now.(map[string]any)
	if wasMap && isMap && len(is) > 0 {
		return between(was, is, at)
	}
	from, fromList := old.([]any)
	to, toList := now.([]any)
	switch {
	case !fromList || !toList || len(from) == 0:
	case len(from) == len(to):
		var out []Edit
		for i := range from {
			out = append(out, betweenAny(from[i], to[i], at.child(fmt.Sprint(i)))...)
		}
		return out
	case len(from) < len(to) && equal(from, to[:len(from)]) && distinct(to):
		var out []Edit
		for _, e := range to[len(from):] {
			out = append(out, Edit{Path: at, Value: e, Op: Append})
		}
		return out
	}
	return []Edit{{Path: at, Value: now}}
}

// distinct reports whether no element is there twice: one that is there is not
// appended.
func distinct(list []any) bool {
	for i, e := range list {
		if slices.ContainsFunc(list[:i], func(o any) bool { return equal(o, e) }) {
			return false
		}
	}
	return true
}

// Over are the values that, merged onto base as Helm does, give values: what
// base lacks or has otherwise. Lists are there as a whole. A setting that base
// alone has is null in it, which takes it away, and a default of the chart's
// with it.
func Over(base, values map[string]any) map[string]any {
	out := map[string]any{}
	for k := range base {
		if _, stays := values[k]; !stays {
			out[k] = nil
		}
	}
	for k, v := range values {
		old, had := base[k]
		if had && equal(old, v) {
			continue
		}
		sub, isMap := v.(map[string]any)
		was, wasMap := old.(map[string]any)
		if isMap && wasMap {
			v = Over(was, sub)
		}
		out[k] = copyAny(v)
	}
	return out
}

// Describe tells edits, made one after the other, to a person; why is the same
// for all.
func Describe(values map[string]any, edits []Edit, why string) []Change {
	var out []Change
	values, _ = canon(values).(map[string]any) // a copy, which the edits change
	for _, e := range edits {
		old, had := Get(values, e.Path...)
		before := show(old, had)
		after, err := editTree(values, e.Path, e)
		if err != nil {
			continue // what Between gives can be made
		}
		values = after.(map[string]any)
		now, has := Get(values, e.Path...)
		out = append(out, Change{e.Path, before, show(now, has), why})
	}
	return out
}
