package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/cache"
)

// shelf keeps the trimmed form of everything one watch reports. It stands
// where a reflector expects its store, so that no whole object outlives its
// own event.
type shelf[T, O any] struct {
	keep    func(*T) (O, bool)
	changed func()

	mu     sync.Mutex
	items  map[string]O
	order  []string // the items' keys, sorted
	synced bool
}

// Add implements [cache.ReflectorStore].
func (s *shelf[T, O]) Add(obj any) error { return s.Update(obj) }

// Update implements [cache.ReflectorStore].
func (s *shelf[T, O]) Update(obj any) error {
	defer s.changed()
	key, kept, ok, err := s.trim(obj)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		s.set(key, kept)
	} else {
		s.unset(key)
	}
	return nil
}

// Delete implements [cache.ReflectorStore].
func (s *shelf[T, O]) Delete(obj any) error {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
	if err != nil {
		return err
	}
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unset(key)
	return nil
}

// Replace implements [cache.ReflectorStore].
func (s *shelf[T, O]) Replace(all []any, _ string) error {
	items := make(map[string]O, len(all))
	for _, obj := range all {
		key, kept, ok, err := s.trim(obj)
		if err != nil {
			return err
		}
		if ok {
			items[key] = kept
		}
	}
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items, s.order, s.synced = items, slices.Sorted(maps.Keys(items)), true
	return nil
}

// Resync implements [cache.ReflectorStore]; there is nothing to repeat.
func (s *shelf[T, O]) Resync() error { return nil }

// trim is what is kept of an object; ok is false where that is nothing.
func (s *shelf[T, O]) trim(obj any) (key string, kept O, ok bool, err error) {
	typed, is := obj.(*T)
	if !is {
		return "", kept, false, fmt.Errorf("storing a watched object: received %T, expected %T", obj, typed)
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return "", kept, false, err
	}
	kept, ok = s.keep(typed)
	return cache.MetaObjectToName(m).String(), kept, ok, nil
}

func (s *shelf[T, O]) set(key string, item O) {
	if _, ok := s.items[key]; !ok {
		i, _ := slices.BinarySearch(s.order, key)
		s.order = slices.Insert(s.order, i, key)
	}
	s.items[key] = item
}

func (s *shelf[T, O]) unset(key string) {
	if i, ok := slices.BinarySearch(s.order, key); ok {
		s.order = slices.Delete(s.order, i, i+1)
	}
	delete(s.items, key)
}

// list is in the order of the keys: of what comes sorted, sorting costs little
// at the next look.
func (s *shelf[T, O]) list() []O {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]O, len(s.order))
	for i, key := range s.order {
		out[i] = s.items[key]
	}
	return out
}

func (s *shelf[T, O]) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}
