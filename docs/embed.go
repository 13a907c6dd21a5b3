// Package docs gives programs the pages that they quote, so that an advice stands in one place.
package docs

import _ "embed"

// Troubleshooting is the page that explains every reason.
//
//go:embed troubleshooting.md
var Troubleshooting string
