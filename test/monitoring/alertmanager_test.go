//go:build promtool

package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

// Alertmanager takes the route of docs/handoff.md, and sends by it whom the page says.
func TestAlertmanagerTakesTheRouteOfTheHandoff(t *testing.T) {
	g := NewWithT(t)
	output, err := builtTools()
	g.Expect(err).NotTo(HaveOccurred(), string(output))
	page, err := os.ReadFile(filepath.Join(controlplane.Root(), "docs", "handoff.md"))
	g.Expect(err).NotTo(HaveOccurred())
	_, text, _ := strings.Cut(string(page), "\n## Alertmanager")
	_, text, _ = strings.Cut(text, "```yaml\n")
	text, _, found := strings.Cut(text, "```\n")
	g.Expect(found).To(BeTrue())
	config := filepath.Join(t.TempDir(), "alertmanager.yaml")
	g.Expect(os.WriteFile(config, []byte(text), 0o600)).To(Succeed())
	amtool := func(args ...string) string {
		output, err := exec.CommandContext(t.Context(), tool("amtool"), args...).CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(output))
		return string(output)
	}
	g.Expect(amtool("check-config", config)).To(ContainSubstring("2 inhibit rules"))
	for alert, receiver := range map[string]string{
		"alertname=AliascheckCheckCritical kind=AliasCheck":  "pager\n",
		"alertname=AliascheckCheckCritical kind=HealthCheck": "chat\n",
		"alertname=AliascheckWithoutLeader":                  "pager\n",
		"alertname=AliascheckBudgetBurns kind=AliasCheck":    "chat\n",
	} {
		g.Expect(amtool(append([]string{"config", "routes", "test", "--config.file=" + config}, strings.Fields(alert)...)...)).
			To(Equal(receiver), alert)
	}
}
