package plugin

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

var (
	documented = regexp.MustCompile("(?m)^\\| `kubectl aliascheck ([a-z]+)")
	// invoked is a line of an example: kubectl aliascheck and its arguments.
	invoked = regexp.MustCompile(`(?m)^(?:    |\$ )kubectl aliascheck ([^#\n]+)`)
)

// The page has a row for each command, and every example in it is one that the program understands.
func TestThePageHasEveryCommandAndItsExamplesAreUnderstood(t *testing.T) {
	g := NewWithT(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "plugin.md"))
	g.Expect(err).NotTo(HaveOccurred())
	streams, _, _, _ := genericiooptions.NewTestIOStreams()
	var rows, commands []string
	for _, found := range documented.FindAllStringSubmatch(string(text), -1) {
		rows = append(rows, found[1])
	}
	for _, command := range NewCommand(streams).Commands() {
		commands = append(commands, command.Name())
	}
	g.Expect(rows).To(ConsistOf(commands))

	examples := invoked.FindAllStringSubmatch(string(text), -1)
	g.Expect(len(examples)).To(BeNumerically(">", 3))
	for _, example := range examples {
		command, arguments, err := NewCommand(streams).Find(strings.Fields(example[1]))
		g.Expect(err).NotTo(HaveOccurred(), example[0])
		g.Expect(command.HasParent()).To(BeTrue(), example[0])
		g.Expect(command.ParseFlags(arguments)).To(Succeed(), example[0])
		g.Expect(command.ValidateArgs(command.Flags().Args())).To(Succeed(), example[0])
	}
}
