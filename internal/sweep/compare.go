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

// gap is an object whose version in the cache is not the one that the API server had.
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

// missedBy are the objects that the cache, read after this list, has wrong: it differs from the list, and is not ahead
// of it. A cached version that is not newer than the list has to be in the list, too. If it is not, the cache
// missed a change, or has a version that a restore of etcd has undone.
func (l listing) missedBy(cached map[string]version) gaps {
	missed := l.unlike(cached)
	for name, g := range missed {
		if newer(g.cached.resourceVersion, l.resourceVersion) {
			delete(missed, name)
		}
	}
	return missed
}

// unlike are the objects whose version in the cache is not that of the list.
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

// untouched are the gaps whose objects have not changed in the cache since. Where one has changed, the watch still delivers.
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
	for name, now := range later {
		before, found := g[name]
		if found && before.cached == now.cached && (!now.cached.absent() || before.live.uid == now.live.uid) {
			confirmed[name] = now
		}
	}
	return confirmed
}
