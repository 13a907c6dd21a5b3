package proxy

import (
	"net/http"
	"slices"
	"strings"
)

// call is one request, as the rules see it.
type call struct {
	method, namespace, resource, name, subresource string
	watch                                          bool
	initialEvents                                  bool // a watch that starts with the objects that exist
	metadata                                       bool // a list of metadata alone: a page of a sweep
	continued                                      bool // a page after the first
}

func callOf(request *http.Request) call {
	query := request.URL.Query()
	c := call{
		method:        request.Method,
		watch:         query.Get("watch") == "true" || query.Get("watch") == "1",
		initialEvents: query.Get("sendInitialEvents") == "true",
		metadata:      strings.Contains(request.Header.Get("Accept"), "as=PartialObjectMetadataList"),
		continued:     query.Get("continue") != "",
	}
	segments := strings.Split(strings.Trim(request.URL.Path, "/"), "/")
	switch {
	case segments[0] == "api" && len(segments) > 2:
		segments = segments[2:]
	case segments[0] == "apis" && len(segments) > 3:
		segments = segments[3:]
	default:
		return c // discovery, health, metrics
	}
	if segments[0] == "namespaces" && len(segments) > 2 {
		c.namespace, segments = segments[1], segments[2:]
	}
	parts := slices.Concat(segments, []string{"", ""})
	c.resource, c.name, c.subresource = parts[0], parts[1], parts[2]
	return c
}

// Write is a call that may have changed something.
type Write struct {
	Method, Namespace, Resource, Name, Subresource string
	Status                                         int // of the answer
}

func (c call) isWrite() bool {
	return c.method != http.MethodGet && c.method != http.MethodHead && c.resource != "" &&
		!strings.HasSuffix(c.resource, "reviews")
}

func (c call) writeAnswered(status int) Write {
	return Write{c.method, c.namespace, c.resource, c.name, c.subresource, status}
}
