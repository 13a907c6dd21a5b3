package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// followers keeps, for every alias, what it showed in answer to its root: the HealthCheck at the end of
// its chain.
type followers struct {
	checks map[string]check
	// changed is when a check was seen to change its state last.
	changed map[string]time.Time
	// awaited are the aliases that still show another state than their root does.
	awaited map[string]bool
	left    map[string]int // how often an alias left Passing with its root
	back    map[string]int // how often it came back after that
}

func newFollowers() *followers {
	return &followers{
		checks:  map[string]check{},
		changed: map[string]time.Time{},
		awaited: map[string]bool{},
		left:    map[string]int{},
		back:    map[string]int{},
	}
}

// followed is one alias showing the new state of its root.
type followed struct {
	alias, root string
	state       v1alpha1.State
	after       time.Duration
}

// observe takes in a change and returns the aliases that have caught up by it. The two kinds come by two
// watches, so an alias may be seen before its root: that counts as 0.
func (f *followers) observe(c change) []followed {
	if c.gone {
		delete(f.checks, c.check.name)
		delete(f.awaited, c.check.name)
		return nil
	}
	if before, known := f.checks[c.check.name]; known && before.state != c.check.state {
		f.changed[c.check.name] = c.at
		f.awaitAliasesOf(c.check.name)
	}
	f.checks[c.check.name] = c.check
	return f.caughtUp()
}

func (f *followers) awaitAliasesOf(root string) {
	for name := range f.checks {
		if name != root && f.rootOf(name) == root {
			f.awaited[name] = true
		}
	}
}

func (f *followers) caughtUp() []followed {
	var result []followed
	for _, name := range slices.Sorted(maps.Keys(f.awaited)) {
		alias, root := f.checks[name], f.checks[f.rootOf(name)]
		if root.name == "" || alias.state != root.state {
			continue
		}
		delete(f.awaited, name)
		f.count(name, alias.state)
		after := max(0, f.changed[name].Sub(f.changed[root.name]))
		result = append(result, followed{alias: name, root: root.name, state: alias.state, after: after})
	}
	return result
}

func (f *followers) count(alias string, state v1alpha1.State) {
	switch {
	case state != v1alpha1.StatePassing:
		f.left[alias]++
	case f.left[alias] > f.back[alias]:
		f.back[alias]++
	}
}

// rootOf is the HealthCheck at the end of an alias's chain, or empty.
func (f *followers) rootOf(name string) string {
	for range v1alpha1.MaxAliasDepth {
		c := f.checks[name]
		if c.follows == "" {
			break
		}
		name = c.follows
	}
	if c, known := f.checks[name]; !known || c.follows != "" {
		return ""
	}
	return name
}

// verdict is nil if every alias of root was seen to leave Passing and to come back.
func (f *followers) verdict(root string) error {
	aliases := 0
	for _, name := range slices.Sorted(maps.Keys(f.checks)) {
		if name == root || f.rootOf(name) != root {
			continue
		}
		aliases++
		if f.left[name] == 0 || f.back[name] == 0 {
			return fmt.Errorf("%s was seen to leave Passing %d times and to come back %d times; both have to be seen "+
				"(15s are enough on an idle machine)", name, f.left[name], f.back[name])
		}
	}
	if aliases == 0 {
		return fmt.Errorf("there was no alias of %s", root)
	}
	return nil
}
