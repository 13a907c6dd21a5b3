package sweep

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestSinceWhenACacheCannotBeBelieved(t *testing.T) {
	const second = time.Second
	start := time.Unix(1_000_000, 0)
	broken := errors.New("500")
	var now time.Duration // since the start, of the step that is made
	at := func(d time.Duration) time.Time { return start.Add(d) }
	list := func(began time.Duration) func(*evidence) {
		return func(e *evidence) { e.failed(at(began), broken) }
	}
	look := func(began time.Duration) func(*evidence) {
		return func(e *evidence) { e.refuted(at(began), broken) }
	}
	refused := func(err error) func(*evidence) { return func(e *evidence) { e.refuted(at(now), err) } }
	type step struct {
		after time.Duration
		what  func(*evidence)
	}
	for name, c := range map[string]struct {
		steps []step
		look  time.Duration // when it is asked
		want  time.Duration // 0: it is believed
	}{
		"nothing has failed, for however long": {nil, 24 * time.Hour, 0},
		"the first failure counts, from when it began": {
			[]step{{10 * second, list(5 * second)}, {20 * second, look(20 * second)}}, 30 * second, 5 * second},
		"a success ends it": {
			[]step{{10 * second, list(10 * second)}, {20 * second, (*evidence).heard}}, 30 * second, 0},
		"a failure that was under way during a success counts from there": {
			[]step{{20 * second, (*evidence).heard}, {30 * second, list(10 * second)}}, 40 * second, 20 * second},
		"a watch that delivers is believed without comparisons": {
			[]step{{10 * second, look(10 * second)}, {20 * second, (*evidence).heard}}, time.Minute, 0},
		"for a limited time": {
			[]step{{10 * second, look(10 * second)}, {20 * second, (*evidence).heard}}, time.Hour, trust + 10*second},
		"a comparison or a relist that succeeds ends that": {
			[]step{{10 * second, look(10 * second)}, {20 * second, (*evidence).confirmed}}, time.Hour, 0},
		"a watch that was cancelled has not failed":      {[]step{{second, refused(context.Canceled)}}, time.Hour, 0},
		"one that has to begin again has not failed":     {[]step{{second, refused(expiredError())}}, time.Hour, 0},
		"without an API server nobody can be told":       {[]step{{second, refused(syscall.ECONNREFUSED)}}, time.Hour, 0},
		"one that hangs until its deadline has failed":   {[]step{{second, refused(context.DeadlineExceeded)}}, time.Hour, second},
		"a cache that was seen to be wrong is a failure": {[]step{{second, refused(nil)}}, time.Hour, second},
	} {
		t.Run(name, func(t *testing.T) {
			clock := clocktesting.NewFakePassiveClock(start)
			e := &evidence{clock: clock}
			for _, s := range c.steps {
				now = s.after
				clock.SetTime(at(now))
				s.what(e)
			}
			clock.SetTime(at(c.look))
			want := time.Time{}
			if c.want > 0 {
				want = at(c.want)
			}
			if since := e.failingSince(trust); !since.Equal(want) {
				t.Errorf("it fails since %s, want %s", since, want)
			}
		})
	}
}
