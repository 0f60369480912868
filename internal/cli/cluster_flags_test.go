package cli

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Commands in hints get the flags of the program they are for, whichever plugin
// prints them; what is no command stays as it is.
func TestHintsMeanTheClusterInUse(t *testing.T) {
	t.Parallel()
	const list = "/a" + string(filepath.ListSeparator) + "/b"
	chosen := func(k option.Kube) { *k.Context, *k.KubeConfig = "my prod", "/etc/k" }
	const kubectl, helm = " --context 'my prod' --kubeconfig /etc/k", " --kube-context 'my prod' --kubeconfig /etc/k"
	for _, tc := range []struct {
		name       string
		choose     func(option.Kube)
		kubeconfig string // of the environment
		hint, want string
	}{
		{"nothing was chosen", func(option.Kube) {}, "", "kubectl get pods", "kubectl get pods"},
		{"several lines", chosen, "", "change it, with\n  helm aistor values --operator --write\n  kubectl -n aistor get pods\nonce it does (kubectl get endpointslices), or kubectl aistor-upgrade validate",
			"change it, with\n  helm aistor values" + helm + " --operator --write\n  kubectl" + kubectl + " -n aistor get pods\nonce it does (kubectl" + kubectl + " get endpointslices), or kubectl aistor-upgrade validate"},
		{"commands that are joined", chosen, "", "kubectl delete secret a -n b && kubectl create secret generic a -n b | kubectl apply -f -",
			"kubectl" + kubectl + " delete secret a -n b && kubectl" + kubectl + " create secret generic a -n b | kubectl" + kubectl + " apply -f -"},
		{"behind the word", chosen, "", "hint: kubectl auth whoami\nthen: helm list -A", "hint: kubectl" + kubectl + " auth whoami\nthen: helm" + helm + " list -A"},
		{"kubectl's plugin", chosen, "", "kubectl aistor-upgrade status -A lists the object stores", "kubectl aistor-upgrade status" + kubectl + " -A lists the object stores"},
		{"Helm's plugin", chosen, "", "helm aistor plan", "helm aistor plan" + helm},
		{"Flux", chosen, "", "flux suspend helmrelease x -n y", "flux" + kubectl + " suspend helmrelease x -n y"},
		{"verbs that connect to no cluster", chosen, "", "create one with: helm aistor bundle create FILE", "create one with: helm aistor bundle create FILE"},
		{"the kubeconfig itself", chosen, "", "kubectl config get-contexts", "kubectl config get-contexts"},
		{"one context of it", chosen, "", "kubectl config view --minify", "kubectl" + kubectl + " config view --minify"},
		{"it was said already", chosen, "", "kubectl --context a get pods", "kubectl --context a get pods"},
		{"prose", chosen, "", "kubectl is not on the PATH; helm 3.12 or newer", "kubectl is not on the PATH; helm 3.12 or newer"},
		{"a file that Helm may have handed over", func(option.Kube) {}, "/x y", "helm aistor values --operator", "helm aistor values --kubeconfig '/x y' --operator"},
		{"a list of files", func(option.Kube) {}, list, "helm aistor values --operator", "helm aistor values --operator"},
		{"an address", func(k option.Kube) { *k.APIServer, *k.CAFile = "https://api:6443", "/ca" }, "", "kubectl get pods && helm list",
			"kubectl --server https://api:6443 --certificate-authority /ca get pods && helm --kube-apiserver https://api:6443 --kube-ca-file /ca list"},
		{"somebody else", func(k option.Kube) { *k.Impersonate, *k.ImpersonateGroup = "ann", []string{"ops", "dev"} }, "", "kubectl get pods",
			"kubectl --as ann --as-group ops --as-group dev get pods"},
		{"no check of certificates", func(k option.Kube) { *k.Insecure = true }, "", "kubectl get pods", "kubectl --insecure-skip-tls-verify=true get pods"},
		{"no token", func(k option.Kube) { *k.BearerToken = "s3cret" }, "", "kubectl get pods", "kubectl get pods"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := clitest.NewProgram(t)
			p.Getenv = func(name string) string { return map[string]string{"KUBECONFIG": tc.kubeconfig}[name] }
			k := option.NewHelmFlags(p)
			tc.choose(k)
			if got := k.WithContext(tc.hint); got != tc.want {
				t.Errorf("received: %s\nexpected: %s", got, tc.want)
			}
			if got := k.WithContext(tc.want); tc.name != "nothing was chosen" && *k.Context != "" && got != tc.want {
				t.Errorf("a second time: %s", got)
			}
		})
	}
}

func TestTheHintOfAnErrorMeansTheClusterInUse(t *testing.T) {
	t.Parallel()
	p := clitest.NewProgram(t)
	k := option.NewKubectlFlags(p)
	*k.Context = "staging"
	p.WithContext = k.WithContext
	got := p.DescribeError(term.WithHint(errors.New("kubectl get x: failed"), "kubectl get pods"))
	if want := "error: kubectl get x: failed\nhint: kubectl --context staging get pods"; got != want {
		t.Errorf("received: %s\nexpected: %s", got, want)
	}
}

func TestTheQuestionNamesClusterAndRestarts(t *testing.T) {
	t.Parallel()
	store := func(name string, pods int) plan.Restart { return plan.Restart{Store: name, Pods: pods} }
	cluster := plan.Cluster{UID: "uid-1", Context: "staging", Server: "https://api:6443"}
	for _, tc := range []struct {
		name string
		plan plan.Plan
		want string
	}{
		{"none", plan.Plan{Cluster: cluster}, "No pods of object stores restart.\nRun this plan on cluster staging (https://api:6443)?"},
		{"one store twice", plan.Plan{Cluster: plan.Cluster{Context: "in-cluster", Server: "https://10.96.0.1:443"},
			Steps: []plan.Step{{Restarts: []plan.Restart{store("a/b", 4)}}, {Restarts: []plan.Restart{store("a/b", 4)}}}},
			"It restarts 4 pods of 1 object store, some more than once.\nRun this plan on cluster in-cluster (https://10.96.0.1:443)?"},
		{"two stores", plan.Plan{Cluster: plan.Cluster{Server: "https://api:6443"}, Steps: []plan.Step{{Restarts: []plan.Restart{store("a/b", 4), store("a/c", 1)}}}},
			"It restarts 5 pods of 2 object stores.\nRun this plan on cluster https://api:6443?"},
		{"a name with control characters", plan.Plan{Cluster: plan.Cluster{Context: "a\nb\x1b[31m"}}, "No pods of object stores restart.\nRun this plan on cluster a\\nb\\x1b[31m?"},
	} {
		if got := workflow.ConfirmationQuestion(&tc.plan); got != tc.want {
			t.Errorf("%s:\nreceived: %s\nexpected: %s", tc.name, got, tc.want)
		}
	}
}
