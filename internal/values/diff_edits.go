package values

import (
	"fmt"
	"maps"
	"slices"
)

// DiffEdits are the edits that lead from one set of values to another, in the
// order of their keys. Of lists that only grew at the end the new elements are
// appended, of lists of one length the elements are compared, others are set
// as a whole.
func DiffEdits(before, after map[string]any) []Edit { return diffMaps(before, after, nil) }

func diffMaps(before, after map[string]any, at Path) []Edit {
	var out []Edit
	for _, k := range slices.Sorted(maps.Keys(before)) {
		if _, stays := after[k]; !stays {
			out = append(out, Edit{Path: at.appendKey(k), Op: Remove})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(after)) {
		old, had := before[k]
		if !had {
			out = append(out, Edit{Path: at.appendKey(k), Value: after[k]})
			continue
		}
		out = append(out, diffAny(old, after[k], at.appendKey(k))...)
	}
	return out
}

func diffAny(old, now any, at Path) []Edit {
	if equalValues(old, now) {
		return nil
	}
	was, wasMap := old.(map[string]any)
	is, isMap := now.(map[string]any)
	if wasMap && isMap && len(is) > 0 {
		return diffMaps(was, is, at)
	}
	from, fromList := old.([]any)
	to, toList := now.([]any)
	switch {
	case !fromList || !toList || len(from) == 0:
	case len(from) == len(to):
		var out []Edit
		for i := range from {
			out = append(out, diffAny(from[i], to[i], at.appendKey(fmt.Sprint(i)))...)
		}
		return out
	case len(from) < len(to) && equalValues(from, to[:len(from)]) && allDistinct(to):
		var out []Edit
		for _, e := range to[len(from):] {
			out = append(out, Edit{Path: at, Value: e, Op: Append})
		}
		return out
	}
	return []Edit{{Path: at, Value: now}}
}

// allDistinct reports whether no element is there twice: one that is there is not
// appended.
func allDistinct(list []any) bool {
	for i, e := range list {
		if slices.ContainsFunc(list[:i], func(o any) bool { return equalValues(o, e) }) {
			return false
		}
	}
	return true
}

// Overlay are the values that, merged onto base as Helm does, give values: what
// base lacks or has otherwise. Lists are there as a whole. A setting that base
// alone has is null in it, which takes it away, and a default of the chart's
// with it.
func Overlay(base, values map[string]any) map[string]any {
	out := map[string]any{}
	for k := range base {
		if _, stays := values[k]; !stays {
			out[k] = nil
		}
	}
	for k, v := range values {
		old, had := base[k]
		if had && equalValues(old, v) {
			continue
		}
		sub, isMap := v.(map[string]any)
		was, wasMap := old.(map[string]any)
		if isMap && wasMap {
			v = Overlay(was, sub)
		}
		out[k] = deepCopyAny(v)
	}
	return out
}

// DescribeEdits tells edits, made one after the other, to a person; why is the same
// for all.
func DescribeEdits(values map[string]any, edits []Edit, why string) []Change {
	var out []Change
	values, _ = normalize(values).(map[string]any) // a copy, which the edits change
	for _, e := range edits {
		old, had := Get(values, e.Path...)
		before := displayValue(old, had)
		after, err := editTree(values, e.Path, e)
		if err != nil {
			continue // what Between gives can be made
		}
		values = after.(map[string]any)
		now, has := Get(values, e.Path...)
		out = append(out, Change{e.Path, before, displayValue(now, has), why})
	}
	return out
}
