package controlplane

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Options of a control plane. The zero value is an API server and etcd with the CRDs installed.
type Options struct {
	// CRDs are further files or folders of CRDs to install.
	CRDs []string
	// Bare installs no CRDs at all.
	Bare bool
	// ControllerManager runs kube-controller-manager too: garbage collection, namespaces, workloads, Jobs.
	ControllerManager bool
	// APIServerFlags are set on kube-apiserver, without the leading dashes.
	APIServerFlags map[string]string
	// ControllerManagerFlags are appended to those of kube-controller-manager.
	ControllerManagerFlags []string
}

// ControlPlane is a running control plane. Stop it.
type ControlPlane struct {
	// Config is that of a cluster administrator, without client-side rate limits.
	Config *rest.Config
	// Kubeconfig is a file with the same in it.
	Kubeconfig string

	environment       *envtest.Environment
	dir               string
	controllerManager *exec.Cmd
	broken            []*Process
}

// Start starts a control plane and waits until it is ready.
func Start(options Options) (*ControlPlane, error) {
	cp := &ControlPlane{environment: &envtest.Environment{
		CRDDirectoryPaths:        options.crds(),
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}}
	if err := cp.start(options); err != nil {
		_ = cp.Stop()
		return nil, err
	}
	return cp, nil
}

func (o Options) crds() []string {
	if o.Bare {
		return nil
	}
	return append([]string{filepath.Join(Root(), "config", "crd", "bases")}, o.CRDs...)
}

func (cp *ControlPlane) start(options Options) error {
	apiserver, err := Binary("kube-apiserver")
	if err != nil {
		return err
	}
	etcd, err := Binary("etcd")
	if err != nil {
		return err
	}
	cp.environment.ControlPlane.GetAPIServer().Path = apiserver
	cp.environment.ControlPlane.Etcd = &envtest.Etcd{Path: etcd}
	flags := cp.environment.ControlPlane.GetAPIServer().Configure()
	for name, value := range options.APIServerFlags {
		flags.Set(name, value)
	}

	if cp.dir, err = os.MkdirTemp("", "aliascheck-controlplane-"); err != nil {
		return fmt.Errorf("making a folder for the control plane: %w", err)
	}
	config, err := cp.environment.Start()
	if err != nil {
		return fmt.Errorf("starting the control plane: %w", err)
	}
	cp.Config = rest.CopyConfig(config)
	cp.Config.QPS = -1
	if err := cp.writeKubeconfig(); err != nil {
		return err
	}
	if options.ControllerManager {
		return cp.startControllerManager(options.ControllerManagerFlags)
	}
	return nil
}

func (cp *ControlPlane) writeKubeconfig() error {
	user, err := cp.environment.AddUser(envtest.User{Name: "administrator", Groups: []string{"system:masters"}}, nil)
	if err != nil {
		return fmt.Errorf("adding an administrator: %w", err)
	}
	kubeconfig, err := user.KubeConfig()
	if err != nil {
		return fmt.Errorf("making a kubeconfig: %w", err)
	}
	cp.Kubeconfig = filepath.Join(cp.dir, "kubeconfig")
	if err := os.WriteFile(cp.Kubeconfig, kubeconfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

func (cp *ControlPlane) startControllerManager(flags []string) error {
	path, err := Binary("kube-controller-manager")
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(cp.dir, "kube-controller-manager.log"))
	if err != nil {
		return fmt.Errorf("making a log for kube-controller-manager: %w", err)
	}
	defer log.Close()
	cp.controllerManager = exec.Command(path, append([]string{
		"--kubeconfig=" + cp.Kubeconfig, "--leader-elect=false", "--secure-port=0",
	}, flags...)...)
	cp.controllerManager.Stdout, cp.controllerManager.Stderr = log, log
	if err := cp.controllerManager.Start(); err != nil {
		return fmt.Errorf("starting kube-controller-manager: %w", err)
	}
	return nil
}

// Stop ends all processes of the control plane and removes what they stored.
func (cp *ControlPlane) Stop() error {
	if cp.controllerManager != nil && cp.controllerManager.Process != nil {
		_ = cp.controllerManager.Process.Kill()
		_ = cp.controllerManager.Wait()
	}
	for _, p := range cp.broken {
		p.end()
	}
	err := cp.environment.Stop()
	_ = os.RemoveAll(cp.dir)
	return err
}

// Kubectl is a kubectl command against this control plane, as its administrator.
func (cp *ControlPlane) Kubectl(ctx context.Context, stdin io.Reader, args ...string) (*exec.Cmd, error) {
	path, err := Binary("kubectl")
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, path, append([]string{"--kubeconfig=" + cp.Kubeconfig}, args...)...)
	command.Stdin = stdin
	return command, nil
}
