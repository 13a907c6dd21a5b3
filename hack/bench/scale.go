package main

import "time"

// scale is how much is measured, and how long that takes.
type scale struct {
	expected map[string]time.Duration

	fanout       []int
	fanoutRounds int
	flips        int

	rolledUp int
	bursts   int

	idleChecks int
	idleFor    time.Duration

	scheduledChecks int
	scheduledEvery  time.Duration
	scheduledFor    time.Duration

	failoverChecks int
	swept          []int
	sweptFor       time.Duration
	swallowed      int
	grown          []int
	grownFor       time.Duration
	// aliasSide is the size at which the alias side is measured as it is installed, for aliasSideFor.
	aliasSide    int
	aliasSideFor time.Duration
}

// scales by name. The figures of smoke mean nothing: it shows that the program works.
var scales = map[string]scale{
	"smoke": {
		expected: map[string]time.Duration{
			"fanout": 30 * time.Second, "edge": 20 * time.Second, "rollup": time.Minute, "idle": time.Minute, "schedule": 75 * time.Second,
			"failover": 5 * time.Minute, "sweep": 2 * time.Minute, "growth": 3 * time.Minute, "shards": 2 * time.Minute, "peers": time.Minute,
		},
		fanout: []int{1, 10, 100}, fanoutRounds: 2,
		flips:    40,
		rolledUp: 100, bursts: 2,
		idleChecks: 50, idleFor: 10 * time.Second,
		scheduledChecks: 100, scheduledEvery: time.Second, scheduledFor: 3 * time.Second,
		failoverChecks: 60,
		swept:          []int{100}, sweptFor: 10 * time.Second, swallowed: 2,
		grown: []int{20, 100, 300}, grownFor: 10 * time.Second, aliasSide: 100, aliasSideFor: 10 * time.Second,
	},
	"small": {
		expected: map[string]time.Duration{
			"fanout": 4 * time.Minute, "edge": time.Minute, "rollup": 2 * time.Minute, "idle": 150 * time.Second, "schedule": 2 * time.Minute,
			"failover": 5 * time.Minute, "sweep": 3 * time.Minute, "growth": 5 * time.Minute, "shards": 5 * time.Minute, "peers": 3 * time.Minute,
		},
		fanout: []int{1, 100, 1000}, fanoutRounds: 4,
		flips:    300,
		rolledUp: 1000, bursts: 6,
		idleChecks: 2000, idleFor: 60 * time.Second,
		scheduledChecks: 1000, scheduledEvery: time.Second, scheduledFor: 10 * time.Second,
		failoverChecks: 2000,
		swept:          []int{2000}, sweptFor: 20 * time.Second, swallowed: 4,
		grown: []int{500, 2000, 6000}, grownFor: 25 * time.Second, aliasSide: 2000, aliasSideFor: 65 * time.Second,
	},
	"full": {
		expected: map[string]time.Duration{
			"fanout": 19 * time.Minute, "edge": 150 * time.Second, "rollup": 4 * time.Minute, "idle": 8 * time.Minute, "schedule": 7 * time.Minute,
			"failover": 330 * time.Second, "sweep": 390 * time.Second, "growth": 6 * time.Minute, "shards": 15 * time.Minute, "peers": 8 * time.Minute,
		},
		fanout: []int{1, 100, 1000, 10000}, fanoutRounds: 4,
		flips:    1000,
		rolledUp: 1000, bursts: 20,
		idleChecks: 10000, idleFor: 5 * time.Minute,
		scheduledChecks: 10000, scheduledEvery: 10 * time.Second, scheduledFor: 20 * time.Second,
		failoverChecks: 10000,
		swept:          []int{10000, 100000}, sweptFor: 30 * time.Second, swallowed: 6,
		grown: []int{1000, 10000, 50000}, grownFor: 35 * time.Second, aliasSide: 10000, aliasSideFor: 125 * time.Second,
	},
}
