package main

import (
	"context"
	"fmt"
	"time"
)

const (
	flipEvery = 5 * time.Second
	// flipped is the HealthCheck that looks at the demo service's /healthz.
	flipped = "HealthCheck/web"
)

// story breaks and repairs the demo service, and tells what the checks make of it.
type story struct {
	service   *service
	screen    screen
	followers *followers
	slowest   time.Duration
	followups int
	toldTaken bool
}

func newStory(service *service, screen screen) *story {
	return &story{service: service, screen: screen, followers: newFollowers()}
}

// tell returns when length is over, with the verdict, or when ctx ends, or when the manager does. A length of
// 0 has no end of its own.
func (s *story) tell(ctx context.Context, changes <-chan change, manager *manager, length time.Duration) error {
	var over <-chan time.Time
	if length > 0 {
		over = time.After(length)
	}
	flip := time.NewTicker(flipEvery)
	defer flip.Stop()
	redraw := time.NewTicker(time.Second)
	defer redraw.Stop()

	for {
		select {
		case c := <-changes:
			s.observe(c)
		case now := <-flip.C:
			s.flip(now)
		case <-redraw.C:
		case <-manager.ended:
			return manager.failure()
		case <-over:
			return s.conclude()
		case <-ctx.Done():
			return interrupted(length)
		}
		s.screen.draw(s.followers.checks, time.Now())
	}
}

// interrupted is how the demo is meant to end, unless somebody waits for its verdict.
func interrupted(length time.Duration) error {
	if length > 0 {
		return fmt.Errorf("interrupted before DEMO_FOR=%s was over", length)
	}
	return nil
}

func (s *story) flip(now time.Time) {
	if s.service.byHand.Load() {
		s.tellOnceThatItIsTaken(now)
		return
	}
	s.toldTaken = false
	broken := !s.service.broken.Load()
	s.service.broken.Store(broken)
	if broken {
		s.say(now, "the demo service breaks: GET /healthz answers 503")
	} else {
		s.say(now, "the demo service recovers: GET /healthz answers 200")
	}
}

func (s *story) tellOnceThatItIsTaken(now time.Time) {
	if !s.toldTaken {
		s.say(now, "the demo service is in your hands; POST /auto gives it back")
	}
	s.toldTaken = true
}

func (s *story) observe(c change) {
	before, known := s.followers.checks[c.check.name]
	caughtUp := s.followers.observe(c)
	switch {
	case c.gone:
		s.say(c.at, "%s is gone", c.check.name)
	case !known:
		s.say(c.at, "%s is %s (%s)", c.check.name, c.check.state, c.check.reason)
	case before.state != c.check.state:
		s.say(c.at, "%s: %s → %s (%s) %s", c.check.name, before.state, c.check.state, c.check.reason, c.check.message)
	}
	for _, f := range caughtUp {
		s.followups++
		s.slowest = max(s.slowest, f.after)
		s.say(c.at, "    %s followed %s to %s after %s", f.alias, f.root, f.state, f.after.Round(time.Millisecond/10))
	}
}

func (s *story) say(at time.Time, format string, args ...any) {
	s.screen.tell(at.Format("15:04:05.000 ") + fmt.Sprintf(format, args...))
}

func (s *story) conclude() error {
	if err := s.followers.verdict(flipped); err != nil {
		return err
	}
	s.say(time.Now(), "aliases followed %d times, both ways, each within %s of the HealthCheck's write",
		s.followups, s.slowest.Round(time.Millisecond/10))
	s.screen.draw(s.followers.checks, time.Now())
	return nil
}
