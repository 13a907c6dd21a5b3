package kinds

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
)

// Case is one document of a file of cases.
type Case struct {
	Name   string                    `json:"name"`
	Object unstructured.Unstructured `json:"object"`
	Expect struct {
		State  v1alpha1.State `json:"state"`
		Reason string         `json:"reason,omitempty"`
	} `json:"expect"`
}

// Read reads the cases of a file, which have a name, an object and a state each.
func Read(file string) ([]Case, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading cases: %w", err)
	}
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var cases []Case
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return cases, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: splitting the documents: %w", file, err)
		}
		c := Case{}
		if err := yaml.UnmarshalStrict(document, &c); err != nil {
			return nil, fmt.Errorf("%s: %w in:\n%s", file, err, document)
		}
		switch {
		case c.Name == "": // only comments
			continue
		case c.Expect.State == "":
			return nil, fmt.Errorf("%s: %s: it expects no state", file, c.Name)
		}
		cases = append(cases, c)
	}
}
