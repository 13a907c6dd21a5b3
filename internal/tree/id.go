package tree

import (
	"cmp"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds that trees know more of than their names.
const (
	KindHealthCheck = "HealthCheck"
	KindAliasCheck  = "AliasCheck"
	KindService     = "Service"
	KindNode        = "Node"
	KindPod         = "Pod"
)

// ID names an object. Kinds of the same name in several groups are one here: what is shown has no groups either.
type ID struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// IDOf is the name of an object of a kind.
func IDOf(kind string, object client.Object) ID {
	return ID{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}
}

// From is how the object is named in an answer to somebody in a namespace: HealthCheck/web, HealthCheck/shop/web.
func (id ID) From(namespace string) string {
	if id.Namespace == "" || id.Namespace == namespace {
		return id.Kind + "/" + id.Name
	}
	return id.Kind + "/" + id.Namespace + "/" + id.Name
}

func compareIDs(a, b ID) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// aliasesOfKinds are what people write for a kind, as kubectl has it.
var aliasesOfKinds = map[string]string{
	"healthcheck": KindHealthCheck, "healthchecks": KindHealthCheck, "hck": KindHealthCheck,
	"aliascheck": KindAliasCheck, "aliaschecks": KindAliasCheck, "ack": KindAliasCheck,
	"service": KindService, "services": KindService, "svc": KindService,
	"node": KindNode, "nodes": KindNode, "no": KindNode,
	"pod": KindPod, "pods": KindPod, "po": KindPod,
}

// Knows reports whether a kind is one that trees know more of than its name.
func Knows(kind string) bool {
	known, ok := aliasesOfKinds[strings.ToLower(kind)]
	return ok && known == kind
}

// ParseID reads KIND/NAME, or NAME alone for an AliasCheck, in a namespace.
func ParseID(argument, namespace string) (ID, error) {
	kind, name, both := strings.Cut(argument, "/")
	if !both {
		kind, name = KindAliasCheck, argument
	}
	if kind == "" || name == "" || strings.Contains(name, "/") {
		return ID{}, fmt.Errorf("%q is not KIND/NAME, such as aliascheck/web or pod/cart-1", argument)
	}
	if known, ok := aliasesOfKinds[strings.ToLower(kind)]; ok {
		kind = known
	}
	if kind == KindNode {
		namespace = ""
	}
	return ID{Kind: kind, Namespace: namespace, Name: name}, nil
}
