package images

import (
	"context"
	"sync"
)

// queue runs tasks on a few workers. A task may add further ones, which run
// before those already waiting: they are its short follow-ups. It stops at the
// first error.
type queue struct {
	mu      sync.Mutex
	wake    *sync.Cond
	tasks   []func(context.Context) error
	pending int
	err     error
}

func newQueue() *queue {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	return q
}

// addTask puts a task behind the waiting ones.
func (q *queue) addTask(t func(context.Context) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append(q.tasks, t)
	q.pending++
	q.wake.Signal()
}

// addFirst puts a task before the waiting ones.
func (q *queue) addFirst(t func(context.Context) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tasks = append([]func(context.Context) error{t}, q.tasks...)
	q.pending++
	q.wake.Signal()
}

// run works until no task is left, and returns the first error.
func (q *queue) run(ctx context.Context, workers int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for range max(workers, 1) {
		wg.Go(func() {
			for t := q.nextTask(); t != nil; t = q.nextTask() {
				q.finishTask(t(ctx), cancel)
			}
		})
	}
	wg.Wait()
	return q.err
}

func (q *queue) nextTask() func(context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.tasks) == 0 && q.pending > 0 && q.err == nil {
		q.wake.Wait()
	}
	if q.err != nil || len(q.tasks) == 0 {
		return nil
	}
	t := q.tasks[0]
	q.tasks = q.tasks[1:]
	return t
}

func (q *queue) finishTask(err error, cancel func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pending--
	if err != nil && q.err == nil {
		q.err = err
		cancel()
	}
	if q.pending == 0 || q.err != nil {
		q.wake.Broadcast()
	}
}

// forEach runs f for every index below n on a few workers.
func forEach(ctx context.Context, workers, n int, f func(ctx context.Context, i int) error) error {
	q := newQueue()
	for i := range n {
		q.addTask(func(ctx context.Context) error { return f(ctx, i) })
	}
	return q.run(ctx, workers)
}
