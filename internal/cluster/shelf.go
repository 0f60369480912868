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
	synced bool
}

// Add implements [cache.ReflectorStore].
func (s *shelf[T, O]) Add(obj any) error { return s.Update(obj) }

// Update implements [cache.ReflectorStore].
func (s *shelf[T, O]) Update(obj any) error {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(s.items, obj)
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
	delete(s.items, key)
	return nil
}

// Replace implements [cache.ReflectorStore].
func (s *shelf[T, O]) Replace(all []any, _ string) error {
	items := make(map[string]O, len(all))
	for _, obj := range all {
		if err := s.put(items, obj); err != nil {
			return err
		}
	}
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items, s.synced = items, true
	return nil
}

// Resync implements [cache.ReflectorStore]; there is nothing to repeat.
func (s *shelf[T, O]) Resync() error { return nil }

func (s *shelf[T, O]) put(items map[string]O, obj any) error {
	typed, ok := obj.(*T)
	if !ok {
		return fmt.Errorf("storing a watched object: received %T, expected %T", obj, typed)
	}
	m, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	key := cache.MetaObjectToName(m).String()
	if kept, ok := s.keep(typed); ok {
		items[key] = kept
	} else {
		delete(items, key)
	}
	return nil
}

// list is in no order.
func (s *shelf[T, O]) list() []O {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.AppendSeq(make([]O, 0, len(s.items)), maps.Values(s.items))
}

func (s *shelf[T, O]) ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}
