package cli

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
)

// handed are the flags that Helm took out of the command and put into the
// environment: without them the same command would mean another cluster. What
// was exported there looks the same, and does no harm as a flag. A token is not
// among them.
func (k kubeOptions) handed(getenv func(string) string) []string {
	if !k.helm {
		return nil
	}
	var out []string
	for _, f := range []struct{ flag, env, now string }{
		{"--kube-context", "HELM_KUBECONTEXT", *k.Context},
		{"--kube-apiserver", "HELM_KUBEAPISERVER", *k.APIServer},
		{"--kube-ca-file", "HELM_KUBECAFILE", *k.CAFile},
		{"--kube-tls-server-name", "HELM_KUBETLS_SERVER_NAME", *k.TLSServerName},
		{"--kube-as-user", "HELM_KUBEASUSER", *k.Impersonate},
		{"--kube-as-group", "HELM_KUBEASGROUPS", strings.Join(*k.ImpersonateGroup, ",")},
	} {
		if given := getenv(f.env); given != "" && given == f.now {
			out = append(out, f.flag, given)
		}
	}
	if getenv("HELM_KUBEINSECURE_SKIP_TLS_VERIFY") == "true" {
		out = append(out, "--kube-insecure-skip-tls-verify=true")
	}
	// A list of files is no flag's value.
	if file := getenv("KUBECONFIG"); file != "" && *k.KubeConfig == "" && !strings.ContainsRune(file, filepath.ListSeparator) {
		out = append(out, "--kubeconfig", file)
	}
	if ns := k.namespace(); ns != "" && ns == k.given {
		out = append(out, "-n", ns)
	}
	return out
}

// printed finds commands in a hint: at the beginning of a line, or in brackets.
var printed = regexp.MustCompile(`(?m)(^\s*|\()(helm aistor [a-z]+|kubectl aistor-upgrade [a-z]+|kubectl)( [a-z-])`)

// onCluster makes the commands of a hint mean the cluster that was looked at,
// where that is not the kubeconfig's current one.
func (k kubeOptions) onCluster(hint string) string {
	if k.ConfigFlags == nil {
		return hint
	}
	return printed.ReplaceAllStringFunc(hint, func(s string) string {
		m := printed.FindStringSubmatch(s)
		context := " --context "
		if strings.HasPrefix(m[2], "helm") {
			context = " --kube-context "
		}
		if *k.Context != "" {
			m[2] += context + shell.Quote(*k.Context)
		}
		if *k.KubeConfig != "" {
			m[2] += " --kubeconfig " + shell.Quote(*k.KubeConfig)
		}
		return m[1] + m[2] + m[3]
	})
}
