package rules

import (
	"encoding/json"
	"fmt"

	"k8s.io/utils/lru"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxCached is how many lists of rules are kept compiled. Aliases that were made from one template share theirs.
const maxCached = 1024

var cached = lru.New(maxCached)

type outcome struct {
	set *Set
	err error
}

// Cached compiles rules, or has compiled just the same before.
func Cached(list []v1alpha1.Rule) (*Set, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("writing the rules as JSON: %w", err)
	}
	if known, found := cached.Get(string(text)); found {
		return known.(outcome).set, known.(outcome).err
	}
	set, err := Compile(list)
	cached.Add(string(text), outcome{set, err})
	return set, err
}
