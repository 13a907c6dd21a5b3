package sweep

import (
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// version is one state of one object. The zero value says that there is no such object.
type version struct {
	uid             types.UID
	resourceVersion string
}

func (v version) absent() bool { return v == version{} }

// gap is an object of which the cache has another version than the API server had.
type gap struct {
	cached, live version
}

func (g gap) String() string {
	return fmt.Sprintf("cached %s, live %s", orAbsent(g.cached), orAbsent(g.live))
}

func orAbsent(v version) string {
	if v.absent() {
		return "absent"
	}
	return v.resourceVersion
}

// gaps are by namespace/name.
type gaps map[string]gap

// names is in order, so that a log line which shows the first is deterministic.
func (g gaps) names() []string {
	names := make([]string, 0, len(g))
	for name := range g {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// listing is a consistent live list.
type listing struct {
	resourceVersion string
	objects         map[string]version
}

// missedBy is where the cache, read after this list, is wrong: where it differs from the list, and not for being
// ahead of it. What the cache has of the list's own version or an older one must be in the list as it is, also
// where the list has something older: then the cached version is of a history that is no more.
func (l listing) missedBy(cached map[string]version) gaps {
	missed := l.unlike(cached)
	for name, g := range missed {
		if newer(g.cached.resourceVersion, l.resourceVersion) {
			delete(missed, name)
		}
	}
	return missed
}

// unlike is where the cache differs from the list.
func (l listing) unlike(cached map[string]version) gaps {
	differing := gaps{}
	for name, live := range l.objects {
		if cached[name] != live {
			differing[name] = gap{cached[name], live}
		}
	}
	for name, version := range cached {
		if _, lives := l.objects[name]; !lives {
			differing[name] = gap{cached: version}
		}
	}
	return differing
}

// rewound is true if the cache, read before this list, has versions from after it: the history of the API
// server went back, as it does when etcd is restored from a backup.
func (l listing) rewound(newestCached string) bool {
	return newestCached != "" && newer(newestCached, l.resourceVersion)
}

// newer is false for versions that are equal or cannot be compared.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order > 0
}

// untouched are the gaps whose objects the cache has not touched since; of the others, the watch is alive.
func (g gaps) untouched(cached func(name string) version) gaps {
	left := gaps{}
	for name, was := range g {
		if cached(name) == was.cached {
			left[name] = was
		}
	}
	return left
}

// confirmedBy are the gaps that a later look found too: the cache still has the same version, and an object
// that it lacks is live under the same UID, and not one that came and went in between.
func (g gaps) confirmedBy(later gaps) gaps {
	confirmed := gaps{}
	for name, is := range later {
		was, known := g[name]
		if known && was.cached == is.cached && (!is.cached.absent() || was.live.uid == is.live.uid) {
			confirmed[name] = is
		}
	}
	return confirmed
}
