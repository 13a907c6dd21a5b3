package kinds

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/evidence"
	"github.com/aliascheck/aliascheck/internal/target/rules"
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

func TestAnObjectOfAKindHasTheHealthThatItsCommunityMeans(t *testing.T) {
	files, err := filepath.Glob("*.yaml")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	NewWithT(t).Expect(files).NotTo(BeEmpty())
	for _, file := range files {
		for _, c := range casesOf(t, file) {
			t.Run(file+"/"+c.Name, func(t *testing.T) {
				g := NewWithT(t)
				found := evidence.Of(&c.Object, rules.BuiltIn(c.Object.GroupVersionKind().GroupKind()))
				if found.State == "" {
					found.State = v1alpha1.StateUnknown
				}
				g.Expect(found.State).To(Equal(c.Expect.State), "%s: %s", found.Reason, found.Message)
				if c.Expect.Reason != "" {
					g.Expect(found.Reason).To(Equal(c.Expect.Reason), found.Message)
				}
			})
		}
	}
}

func casesOf(t *testing.T, file string) []Case {
	t.Helper()
	g := NewWithT(t)
	content, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var cases []Case
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return cases
		}
		g.Expect(err).NotTo(HaveOccurred())
		c := Case{}
		g.Expect(yaml.UnmarshalStrict(document, &c)).To(Succeed(), "%s:\n%s", file, document)
		if c.Name == "" { // only comments
			continue
		}
		g.Expect(c.Expect.State).NotTo(BeEmpty(), "%s: %s", file, c.Name)
		cases = append(cases, c)
	}
}
