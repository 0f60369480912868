package cluster

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/tools/cache"
)

// trimmedStore stores the trimmed objects of one watch. It is used
// as a reflector's store, so that no whole object outlives its
// own event.
type trimmedStore[T, O any] struct {
	keep    func(*T) (O, bool)
	changed func()

	mu     sync.Mutex
	items  map[string]O
	order  []string // the items' keys, sorted
	synced bool
}

// Add implements [cache.ReflectorStore].
func (s *trimmedStore[T, O]) Add(obj any) error { return s.Update(obj) }

// Update implements [cache.ReflectorStore].
func (s *trimmedStore[T, O]) Update(obj any) error {
	defer s.changed()
	key, kept, ok, err := s.trimObject(obj)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		s.setItem(key, kept)
	} else {
		s.deleteItem(key)
	}
	return nil
}

// Delete implements [cache.ReflectorStore].
func (s *trimmedStore[T, O]) Delete(obj any) error {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
	if err != nil {
		return err
	}
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleteItem(key)
	return nil
}

// Replace implements [cache.ReflectorStore].
func (s *trimmedStore[T, O]) Replace(all []any, _ string) error {
	items := make(map[string]O, len(all))
	for _, obj := range all {
		key, kept, ok, err := s.trimObject(obj)
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
func (s *trimmedStore[T, O]) Resync() error { return nil }

// trimObject is what is kept of an object; ok is false where that is nothing.
func (s *trimmedStore[T, O]) trimObject(obj any) (key string, kept O, ok bool, err error) {
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

func (s *trimmedStore[T, O]) setItem(key string, item O) {
	if _, ok := s.items[key]; !ok {
		i, _ := slices.BinarySearch(s.order, key)
		s.order = slices.Insert(s.order, i, key)
	}
	s.items[key] = item
}

func (s *trimmedStore[T, O]) deleteItem(key string) {
	if i, ok := slices.BinarySearch(s.order, key); ok {
		s.order = slices.Delete(s.order, i, i+1)
	}
	delete(s.items, key)
}

// listItems is in the order of the keys: sorted input is cheap to sort
// in the next snapshot.
func (s *trimmedStore[T, O]) listItems() []O {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]O, len(s.order))
	for i, key := range s.order {
		out[i] = s.items[key]
	}
	return out
}

func (s *trimmedStore[T, O]) hasSynced() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}
