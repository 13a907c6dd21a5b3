package conformance

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Case is one document of a file of cases.
type Case struct {
	// Name reads as a statement.
	Name string `json:"name"`
	// Why the case matters, or where its rule comes from.
	Why string `json:"why"`
	// WithoutGatewayAPI runs the case before ReferenceGrants are installed.
	WithoutGatewayAPI bool `json:"withoutGatewayAPI,omitempty"`
	// Objects are there at first.
	Objects []map[string]any `json:"objects"`
	// Within bounds how long that may take, as in a step.
	Within *metav1.Duration `json:"within,omitempty"`
	// Expect is what shows of them.
	Expect []Expectation `json:"expect"`
	// Steps follow, one after the other.
	Steps []Step `json:"steps,omitempty"`
}

// Step changes something, in the order of its fields, and says what shows then.
type Step struct {
	// Name says what is done.
	Name string `json:"name"`
	// Delete removes objects.
	Delete []Reference `json:"delete,omitempty"`
	// Apply creates objects, or makes them be like this: what an earlier apply set and this one leaves out goes.
	Apply []map[string]any `json:"apply,omitempty"`
	// Patch changes parts of objects.
	Patch []Patch `json:"patch,omitempty"`
	// Within bounds how long the expected may take. The default is far less than the resync, so that it is the
	// edge which has to bring it.
	Within *metav1.Duration `json:"within,omitempty"`
	// Expect is what shows after it.
	Expect []Expectation `json:"expect"`
}

// Reference names an object; its namespace is the case's own by default, and its apiVersion goes without
// saying where an AliasCheck would not ask for it either.
type Reference struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// Patch is a JSON merge patch of an object.
type Patch struct {
	Reference `json:",inline"`
	// Subresource that is patched, such as status.
	Subresource string `json:"subresource,omitempty"`
	// Merge is the patch itself; null removes a field.
	Merge map[string]any `json:"merge"`
}

// wellKnown are the kinds whose apiVersion may be left out.
var wellKnown = map[string]string{
	"HealthCheck": "health.aliascheck.dev/v1alpha1",
	"AliasCheck":  "health.aliascheck.dev/v1alpha1",
	"Service":     "v1",
	"Node":        "v1",
}

// edgeBound is generous to a busy machine, on which a chain of seventeen aliases took 20 s, and still far below the resync of a
// minute, which may come 6 s early.
const edgeBound = 40 * time.Second

func (s Step) bound() time.Duration {
	if s.Within != nil {
		return s.Within.Duration
	}
	return edgeBound
}

// steps are all of the case, the first of which applies its objects.
func (c Case) steps() []Step {
	first := Step{Name: "at first", Apply: c.Objects, Within: c.Within, Expect: c.Expect}
	return append([]Step{first}, c.Steps...)
}

func (c Case) validate() error {
	if c.Name == "" || c.Why == "" {
		return errors.New("a case needs a name, and a why")
	}
	for _, step := range c.steps() {
		if step.Name == "" || len(step.Expect) == 0 {
			return fmt.Errorf("case %q: a step needs a name, and something to expect", c.Name)
		}
		for _, e := range step.Expect {
			if err := e.validate(); err != nil {
				return fmt.Errorf("case %q, %s: %w", c.Name, step.Name, err)
			}
		}
	}
	return nil
}

// documents are the cases of a file, still with their placeholders.
func documents(file []byte) ([][]byte, error) {
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(file)))
	var all [][]byte
	for {
		document, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("splitting the documents: %w", err)
		}
		if !onlyComments(document) {
			all = append(all, document)
		}
	}
}

func onlyComments(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

// parse reads one case. A field that no case has is an error, and not ignored.
func parse(document []byte) (Case, error) {
	c := Case{}
	if err := yaml.UnmarshalStrict(document, &c); err != nil {
		return Case{}, fmt.Errorf("reading the case: %w", err)
	}
	return c, c.validate()
}
