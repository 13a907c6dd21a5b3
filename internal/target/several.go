package target

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/aliascheck/aliascheck/internal/health"
)

// several reads each of the targets as if it stood alone. One that cannot be read is a member that says so, with its error:
// the caller decides whether the alias may show what the others make, because it knows for how long that has been so.
func (r *reading) several(ctx context.Context, refs []Reference) (health.Observation, error) {
	observation := health.Observation{Combined: true}
	var unread error
	for _, ref := range refs {
		member, err := r.member(ctx, ref)
		if err != nil {
			member = ref.member()
			member.Unread = err
			unread = graver(unread, err)
		}
		observation.Members = append(observation.Members, member)
	}
	return observation, unread
}

// member is one of several. What panics in it is its own failure, and no other's.
func (r *reading) member(ctx context.Context, ref Reference) (member health.Member, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("reading %s panicked: %v\n%s", ref, panicked, debug.Stack())
		}
	}()
	observation, err := r.single(ctx, ref)
	if err != nil {
		return health.Member{}, err
	}
	return health.Alone(r.alias, ref.member(), observation), nil
}

func (r Reference) member() health.Member {
	return health.Member{APIVersion: r.GroupVersion().String(), Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

// graver is the error of two that does not pass by itself, if one does not.
func graver(a, b error) error {
	if a == nil || errors.Is(a, ErrNotYet) && !errors.Is(b, ErrNotYet) {
		return b
	}
	return a
}
