package install_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aliascheck/aliascheck/internal/controlplane"
)

const (
	systemNamespace = "aliascheck-system"
	serviceAccount  = "aliascheck-controller-manager"
	wallboard       = "aliascheck-wallboard"
	teamNamespace   = "shop"
	managerUser     = "system:serviceaccount:" + systemNamespace + ":" + serviceAccount
	teamUser        = "system:serviceaccount:" + teamNamespace + ":" + serviceAccount // of a team's own manager
	wallboardUser   = "system:serviceaccount:" + systemNamespace + ":" + wallboard
)

// auditPolicy records who asked for what, and what the API server answered.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["` + managerUser + `", "` + teamUser + `", "` + wallboardUser + `"]
- level: None
`

// cluster is a control plane without anything of this project, with RBAC, garbage collection and an audit log.
type cluster struct {
	*controlplane.ControlPlane
	auditLog string
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cluster{auditLog: filepath.Join(dir, "audit.log")}
	var err error
	c.ControlPlane, err = controlplane.Start(controlplane.Options{
		Bare:              true,
		ControllerManager: true,
		APIServerFlags:    map[string]string{"audit-policy-file": policy, "audit-log-path": c.auditLog},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// kubectl runs a kubectl command to its end, and returns what it printed.
func (c *cluster) kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	var input io.Reader
	if stdin != "" {
		input = strings.NewReader(stdin)
	}
	command, err := c.Kubectl(ctx, input, args...)
	if err != nil {
		return "", err
	}
	output, err := command.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// must is kubectl that has to succeed.
func (c *cluster) must(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, err := c.kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return output
}

// may asks the API server what the installed ServiceAccount is allowed.
func (c *cluster) may(ctx context.Context, verb, resource string, where ...string) bool {
	return c.mayUser(ctx, managerUser, verb, resource, where...)
}

// mayUser asks the API server what a user is allowed.
func (c *cluster) mayUser(ctx context.Context, user, verb, resource string, where ...string) bool {
	args := []string{"auth", "can-i", verb, resource, "--as=" + user}
	output, _ := c.kubectl(ctx, "", append(args, where...)...) // a no is exit code 1
	return strings.HasSuffix(output, "yes")
}

// tokenKubeconfig is a kubeconfig of an installed ServiceAccount, with a token from the TokenRequest API.
func (c *cluster) tokenKubeconfig(t *testing.T, namespace, account string) string {
	t.Helper()
	token := c.must(t, "", "create", "token", account, "--namespace="+namespace, "--duration=1h")
	config := clientcmdapi.NewConfig()
	config.Clusters["it"] = &clientcmdapi.Cluster{Server: c.Config.Host, CertificateAuthorityData: c.Config.CAData}
	config.AuthInfos["it"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["it"] = &clientcmdapi.Context{Cluster: "it", AuthInfo: "it"}
	config.CurrentContext = "it"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// call is one request of the manager, or of the wallboard, as the audit log has it.
type call struct {
	Verb           string `json:"verb"`
	RequestURI     string `json:"requestURI"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
	} `json:"objectRef"`
}

// calls are all requests that the installed ServiceAccounts have made.
func (c *cluster) calls(g Gomega) []call {
	file, err := os.Open(c.auditLog)
	g.Expect(err).NotTo(HaveOccurred())
	defer file.Close()
	var calls []call
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one call
		g.Expect(json.Unmarshal(lines.Bytes(), &one)).To(Succeed())
		calls = append(calls, one)
	}
	g.Expect(lines.Err()).NotTo(HaveOccurred())
	return calls
}
