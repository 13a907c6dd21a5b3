package main

import "time"

// scale is how much is measured.
type scale struct {
	fanout       []int
	fanoutRounds int
	flips        int

	idleChecks int
	idleFor    time.Duration

	scheduledChecks int
	scheduledEvery  time.Duration
	scheduledFor    time.Duration

	failoverChecks int
	swept          []int
	grown          []int
	grownFor       time.Duration
}

var scales = map[string]scale{
	"small": {
		fanout: []int{1, 100, 1000}, fanoutRounds: 3,
		flips:      300,
		idleChecks: 2000, idleFor: 60 * time.Second,
		scheduledChecks: 1000, scheduledEvery: time.Second, scheduledFor: 20 * time.Second,
		failoverChecks: 2000,
		swept:          []int{2000},
		grown:          []int{500, 2000, 6000}, grownFor: 30 * time.Second,
	},
	"full": {
		fanout: []int{1, 100, 1000, 10000}, fanoutRounds: 6,
		flips:      1000,
		idleChecks: 10000, idleFor: 5 * time.Minute,
		scheduledChecks: 10000, scheduledEvery: 10 * time.Second, scheduledFor: 2 * time.Minute,
		failoverChecks: 10000,
		swept:          []int{10000, 100000},
		grown:          []int{1000, 10000, 50000}, grownFor: 2 * time.Minute,
	},
}
