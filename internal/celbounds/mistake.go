package celbounds

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
)

// Mistake is the first of what CEL found in an expression, and where: on one line, with line and column from 1. The others
// mostly follow from it, and CEL itself would repeat the whole expression with each.
func Mistake(issues *cel.Issues) error {
	first := issues.Errors()[0]
	text, _, _ := strings.Cut(first.Message, "\n")
	where := fmt.Sprintf("column %d", first.Location.Column()+1)
	if line := first.Location.Line(); line > 1 {
		where = fmt.Sprintf("line %d, %s", line, where)
	}
	return fmt.Errorf("%s (%s)", text, where)
}
