package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/aliascheck/aliascheck/test/faults/proxy"
)

// snapshot is what the page is told.
type snapshot struct {
	Trees    []struct{ Name, State, Message string }
	Problems []string
}

// opened is the address of a page that runs until the test ends.
func opened(t *testing.T, flags ...string) string {
	t.Helper()
	address, _ := openedProcess(t, flags...)
	return address
}

func openedProcess(t *testing.T, flags ...string) (string, *exec.Cmd) {
	t.Helper()
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, plugin, append([]string{"--kubeconfig=" + plane.Kubeconfig, "ui"}, flags...)...)
	out, err := command.StdoutPipe()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(command.Start()).To(Succeed())
	t.Cleanup(func() { cancel(); _ = command.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	g.Expect(err).NotTo(HaveOccurred())
	address, _, _ := strings.Cut(line, " ")
	return strings.TrimSuffix(address, "/"), command
}

func get(t *testing.T, url string) io.Reader {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	response, err := http.DefaultClient.Do(request)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = response.Body.Close() })
	return response.Body
}

// streamed are the messages that a page gets from now on.
func streamed(t *testing.T, address string) <-chan snapshot {
	t.Helper()
	messages := make(chan snapshot, 100)
	stream := bufio.NewReader(get(t, address+"/api/stream"))
	go func() {
		for {
			line, err := stream.ReadString('\n')
			if err != nil {
				return
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				s := snapshot{}
				if json.Unmarshal([]byte(data), &s) == nil {
					messages <- s
				}
			}
		}
	}()
	return messages
}

func stateOf(s snapshot, name string) string {
	for _, tree := range s.Trees {
		if tree.Name == name {
			return tree.State
		}
	}
	return ""
}

func TestThePageIsLiveAndSaysThatNobodyLeads(t *testing.T) {
	g := NewWithT(t)
	address := opened(t)
	body, err := io.ReadAll(get(t, address+"/"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(body)).To(ContainSubstring("<title>aliascheck</title>"))

	messages := streamed(t, address)
	g.Eventually(messages, bound).Should(Receive(Satisfy(func(s snapshot) bool {
		return stateOf(s, "front") == "Passing" && len(s.Problems) > 0 && strings.Contains(s.Problems[0], "has ever led")
	})))
	break503(t)
	g.Eventually(messages, bound).Should(Receive(Satisfy(func(s snapshot) bool { return stateOf(s, "front") == "Critical" })))

	about, err := io.ReadAll(get(t, address+"/api/about?kind=AliasCheck&namespace=shop&name=front"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(about)).To(And(ContainSubstring(`"cart"`), ContainSubstring("Passing → Critical")))
}

// What a proxy holds back of a watch is found all the same: a page that is frozen and green would be the worst.
func TestThePageIsRightThoughItsWatchesDeliverNothing(t *testing.T) {
	g := NewWithT(t)
	between, err := proxy.Start(plane.Config)
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { g.Expect(between.Close()).To(Succeed()) })
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	g.Expect(between.WriteKubeconfig(kubeconfig)).To(Succeed())
	messages := streamed(t, opened(t, "--kubeconfig="+kubeconfig))
	g.Eventually(messages, bound).Should(Receive(Satisfy(func(s snapshot) bool { return stateOf(s, "front") == "Passing" })))
	between.Set(proxy.Faults{Frames: []proxy.FrameFault{{Action: proxy.Freeze, Initial: true}}})
	break503(t)
	g.Eventually(messages, bound).Should(Receive(Satisfy(func(s snapshot) bool { return stateOf(s, "front") == "Critical" })))
}
