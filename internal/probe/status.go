package probe

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

type statusRange struct{ first, last int }

type statusRanges []statusRange

var (
	statusPattern   = regexp.MustCompile(`^([1-9][0-9][0-9])(?:-([1-9][0-9][0-9]))?$`)
	successStatuses = statusRanges{{first: 200, last: 299}}
)

// parseStatusRanges reads status codes and ranges of them; none at all means the successes.
func parseStatusRanges(texts []v1alpha1.StatusRange) (statusRanges, error) {
	if len(texts) == 0 {
		return successStatuses, nil
	}
	var ranges statusRanges
	for _, text := range texts {
		parsed, err := parseStatusRange(string(text))
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, parsed)
	}
	return ranges, nil
}

func parseStatusRange(text string) (statusRange, error) {
	match := statusPattern.FindStringSubmatch(text)
	if match == nil {
		return statusRange{}, fmt.Errorf(
			"expectedStatuses: %.16q is neither a status code nor a range, such as 204 or 200-299", text)
	}
	first, _ := strconv.Atoi(match[1]) // three digits, by the pattern
	last := first
	if match[2] != "" {
		last, _ = strconv.Atoi(match[2])
	}
	if last < first {
		return statusRange{}, fmt.Errorf("expectedStatuses: %q ends before it begins", text)
	}
	return statusRange{first, last}, nil
}

func (r statusRanges) contain(code int) bool {
	for _, each := range r {
		if each.first <= code && code <= each.last {
			return true
		}
	}
	return false
}
