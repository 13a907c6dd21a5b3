package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the value below which this part of the sample lies, in milliseconds; NaN if the sample is empty.
func quantile(sample []time.Duration, part float64) float64 {
	if len(sample) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(sample))
	return milliseconds(sorted[min(int(part*float64(len(sorted))), len(sorted)-1)])
}

// median is not a number where there is no sample.
func median[T ~int64 | ~float64](sample []T) float64 {
	if len(sample) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(sample))
	return float64(sorted[(len(sorted)-1)/2]+sorted[len(sorted)/2]) / 2
}

// blockRatio is the median of the ratios of blocks. A block is two pairs next to each other, measured in the order A B B A:
// of one pair alone the ratio may say more about which came first than about what was measured.
func blockRatio(values, baselines []time.Duration) float64 {
	var ratios []float64
	for i := 1; i < min(len(values), len(baselines)); i += 2 {
		ratios = append(ratios, float64(values[i-1]+values[i])/float64(baselines[i-1]+baselines[i]))
	}
	return median(ratios)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
