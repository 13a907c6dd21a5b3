package conformance

import (
	"fmt"
	"regexp"
	"strings"
)

var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// filled is a document with its placeholders replaced. One that nobody knows is an error.
func filled(document []byte, values map[string]string) ([]byte, error) {
	var unknown []string
	text := placeholder.ReplaceAllStringFunc(string(document), func(found string) string {
		name := placeholder.FindStringSubmatch(found)[1]
		value, known := values[name]
		if !known {
			unknown = append(unknown, found)
		}
		return value
	})
	if len(unknown) > 0 {
		return nil, fmt.Errorf("nobody knows the placeholders %s", strings.Join(unknown, ", "))
	}
	return []byte(text), nil
}
