package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// goName is what only who reads the source knows.
var goName = regexp.MustCompile(`\b[A-Z]\w*(Probe|Spec|Status|Config|Reference|Source|Range|Expectation|Requirement|Window|Value|Target)\b`)

// kubectl explain shows these texts beside the names of the fields, as one writes them.
func TestTheFieldsOfEveryKindAreExplainedByTheNamesThatOneWrites(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(controlplane.Root(), "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("the CRDs are %v: %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &crd); err != nil {
			t.Fatal(err)
		}
		t.Run(crd.Spec.Names.Kind, func(t *testing.T) {
			schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
			for _, name := range []string{"spec", "status"} {
				part := schema.Properties[name]
				expectExplained(t, name, part.Description, name)
				expectFieldsExplained(t, name, &part)
			}
		})
	}
}

func expectFieldsExplained(t *testing.T, path string, schema *apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	for name, property := range schema.Properties {
		at := path + "." + name
		expectExplained(t, at, property.Description, name)
		if at == "status.conditions" { // its fields are those of Kubernetes
			continue
		}
		if property.Items != nil && property.Items.Schema != nil {
			property = *property.Items.Schema
			expectNoGoName(t, at+"[]", property.Description)
		}
		expectFieldsExplained(t, at, &property)
	}
}

func expectExplained(t *testing.T, path, text, name string) {
	t.Helper()
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, name) {
		t.Errorf("%s: the description does not begin with its name: %q", path, text)
	}
	expectNoGoName(t, path, text)
}

func expectNoGoName(t *testing.T, path, text string) {
	t.Helper()
	if found := goName.FindString(text); found != "" {
		t.Errorf("%s: %q is a name of the source: %q", path, found, text)
	}
}
