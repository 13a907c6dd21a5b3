package probe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

type statusRange struct{ first, last int }

type statusRanges []statusRange

var successStatuses = statusRanges{{first: 200, last: 299}}

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
	from, to, several := strings.Cut(text, "-")
	first, isCode := statusCode(from)
	last, isLast := first, true
	if several {
		last, isLast = statusCode(to)
	}
	if !isCode || !isLast {
		return statusRange{}, fmt.Errorf(
			"expectedStatuses: %.16q is neither a status code nor a range, such as 204 or 200-299", text)
	}
	if last < first {
		return statusRange{}, fmt.Errorf("expectedStatuses: %q ends before it begins", text)
	}
	return statusRange{first, last}, nil
}

// statusCode reads three digits of which the first is no zero. A pattern for that took a thirtieth of all that a probe costs.
func statusCode(text string) (code int, valid bool) {
	code, err := strconv.Atoi(text)
	return code, err == nil && len(text) == 3 && code >= 100
}

func (r statusRanges) contain(code int) bool {
	for _, each := range r {
		if each.first <= code && code <= each.last {
			return true
		}
	}
	return false
}
