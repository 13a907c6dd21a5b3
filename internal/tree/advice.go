package tree

import (
	"regexp"
	"strings"
	"sync"

	"github.com/aliascheck/aliascheck/docs"
)

// Advice is what the troubleshooting page says of a reason, on one line; empty where it does not explain it.
func Advice(reason string) string { return advices()[reason] }

var (
	headingReasons = regexp.MustCompile("`([A-Za-z]+)`")
	markdownLink   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// advices are the sections of the page by the reasons in their headings. A reason that is explained for both kinds of
// check has the first: that of the kind which decided.
var advices = sync.OnceValue(func() map[string]string {
	byReason := map[string]string{}
	for _, section := range strings.Split(docs.Troubleshooting, "\n### ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		text := prose(body)
		for _, match := range headingReasons.FindAllStringSubmatch(heading, -1) {
			if _, explained := byReason[match[1]]; !explained {
				byReason[match[1]] = text
			}
		}
	}
	return byReason
})

// prose is the first paragraph of a section that is not an example.
func prose(body string) string {
	for _, paragraph := range strings.Split(body, "\n\n") {
		paragraph = strings.Trim(paragraph, "\n")
		if paragraph == "" || strings.HasPrefix(paragraph, "    ") {
			continue
		}
		text := strings.Join(strings.Fields(paragraph), " ")
		return strings.ReplaceAll(markdownLink.ReplaceAllString(text, "$1"), "`", "")
	}
	return ""
}
