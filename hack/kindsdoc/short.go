package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// maxShort is how long a condition in words may be in a cell; the reason stands for a longer one.
const maxShort = 70

// cell is what makes a kind have a state: a short form of each rule's expression, or its reason.
func cell(list []v1alpha1.Rule, state v1alpha1.State) string {
	var parts []string
	for _, rule := range list {
		if rule.State != state {
			continue
		}
		if part := inShort(rule); !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "; ")
}

func inShort(rule v1alpha1.Rule) string {
	if existence := rule.Reason == "Exists" || rule.Reason == "Static"; existence && !strings.Contains(rule.When, "status.state") {
		return "it is there"
	}
	text := simplified(rule.When)
	switch {
	case text == "" || len(text) > maxShort || strings.ContainsAny(text, "(?") || strings.Contains(text, "object"):
		return reasonOf(rule)
	default:
		return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
	}
}

var askedType = regexp.MustCompile(`c\.type == '([^']+)'`)

// reasonOf is the reason of a rule, or else the conditions whose reasons it has.
func reasonOf(rule v1alpha1.Rule) string {
	if rule.Reason != "" {
		return rule.Reason
	}
	var types []string
	for _, asked := range askedType.FindAllStringSubmatch(rule.When, -1) {
		if !slices.Contains(types, asked[1]) {
			types = append(types, asked[1])
		}
	}
	return "by " + strings.Join(types, ", ")
}

// replacements turn the idioms of rules into short ones, in order.
var replacements = []struct {
	idiom *regexp.Regexp
	short string
}{
	{regexp.MustCompile(`\s+`), " "},
	{regexp.MustCompile(`c\.\?(\w+)\.orValue\(''\)`), "c.$1"},
	{regexp.MustCompile(`object\.\?(\w+)`), "object.$1"},
	{regexp.MustCompile(`\.\?(\w+)`), ".$1"},
	{regexp.MustCompile(`\.orValue\((?:false|null|''|0|\[\]|\{\})\)`), ""},
	{regexp.MustCompile(`object\.status\.conditions\.exists\(c, c\.type == '([^']+)' && c\.status == '(\w+)'\)`), "$1=$2"},
	{regexp.MustCompile(`object\.status\.conditions\.exists\(c, c\.type == '([^']+)' && c\.status == '(\w+)' && c\.reason == '(\w+)'\)`), "$1=$2 $3"},
	{regexp.MustCompile(`object\.status\.conditions\.exists\(c, c\.type in \[([^]]+)\] && c\.status == '(\w+)'\)`), "any of $1=$2"},
	{regexp.MustCompile(`object\.status\.(\w+(?:\.\w+)*) == '([^']*)'`), "$1 $2"},
	{regexp.MustCompile(`object\.status\.(\w+(?:\.\w+)*) in \[([^]]+)\]`), "$1 $2"},
	{regexp.MustCompile(`object\.status\.`), ""},
	{regexp.MustCompile(`object\.(spec|metadata)\.`), "$1."},
	{regexp.MustCompile(` == true`), ""},
	{regexp.MustCompile(` != (?:''|null)`), " is set"},
}

// simplified is an expression in short. What it denies is left out where it demands something too: rules before it have
// said that.
func simplified(when string) string {
	text := strings.TrimSpace(when)
	for _, r := range replacements {
		text = r.idiom.ReplaceAllString(text, r.short)
	}
	var demanded []string
	for _, part := range terms(text) {
		if !strings.HasPrefix(part, "!") {
			demanded = append(demanded, strings.ReplaceAll(part, "'", ""))
		}
	}
	return strings.Join(demanded, " and ")
}

// terms are the parts of an expression that must all hold, without those inside of parentheses.
func terms(text string) []string {
	var parts []string
	depth, from := 0, 0
	for i := range len(text) {
		switch {
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], " && "):
			parts, from = append(parts, text[from:i]), i+len(" && ")
		}
	}
	return append(parts, text[from:])
}
