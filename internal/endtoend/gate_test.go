package endtoend

import (
	"strings"
	"sync"
	"time"
)

// gate holds the making of stacks up.
type gate struct {
	mu   sync.Mutex
	held map[string]chan struct{} // by prefix of stacks' names
}

// hold lets no resource of stacks be made whose names begin so.
func (g *gate) hold(prefix string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held[prefix] = make(chan struct{})
}

// lift lets everything pass again.
func (g *gate) lift() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.held {
		close(c)
	}
	clear(g.held)
}

// pass is a lead time: it returns when the stack's resources may be made.
func (g *gate) pass(stack, _ string) time.Duration {
	g.mu.Lock()
	var until chan struct{}
	for prefix, c := range g.held {
		if strings.HasPrefix(stack, prefix) {
			until = c
		}
	}
	g.mu.Unlock()
	if until != nil {
		<-until
	}
	return 0
}
