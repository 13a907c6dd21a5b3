package v1alpha1

import "time"

// ProbeInterval is the interval of the spec, or its default.
func (s *HealthCheckSpec) ProbeInterval() time.Duration {
	if s.Interval == nil || s.Interval.Duration <= 0 {
		return DefaultInterval
	}
	return s.Interval.Duration
}

// ProbeTimeout is the timeout of the spec, or its default: the smaller of 5s and the interval.
func (s *HealthCheckSpec) ProbeTimeout() time.Duration {
	if s.Timeout == nil || s.Timeout.Duration <= 0 {
		return min(MaxDefaultedTimeout, s.ProbeInterval())
	}
	return min(s.Timeout.Duration, s.ProbeInterval())
}
