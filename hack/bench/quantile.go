package main

import (
	"slices"
	"time"
)

// quantile is the value below which this part of the sample lies, in milliseconds.
func quantile(sample []time.Duration, part float64) float64 {
	if len(sample) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(sample))
	return milliseconds(sorted[min(int(part*float64(len(sorted))), len(sorted)-1)])
}

func median(sample []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(sample))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
