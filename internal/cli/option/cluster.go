package option

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// clusterFlag is one choice of a cluster or of who one is there, as kubectl and
// its plugins take it and as Helm and its plugins do. Credentials are not among
// them: no command that is printed holds one.
type clusterFlag struct {
	kubectl, helm string
	// env is where Helm hands the flag to its plugins.
	env    string
	values []string
}

// clusterFlags are all of them, with the values in use; those without are left
// out.
func (k Kube) clusterFlags() []clusterFlag {
	text := func(v *string) []string {
		if v == nil || *v == "" {
			return nil
		}
		return []string{*v}
	}
	var insecure []string
	if k.Insecure != nil && *k.Insecure {
		insecure = []string{"true"}
	}
	all := []clusterFlag{
		{"--context", "--kube-context", "HELM_KUBECONTEXT", text(k.Context)},
		{"--kubeconfig", "--kubeconfig", "KUBECONFIG", k.kubeconfigArgs()},
		{"--server", "--kube-apiserver", "HELM_KUBEAPISERVER", text(k.APIServer)},
		{"--cluster", "", "", text(k.ClusterName)},
		{"--user", "", "", text(k.AuthInfoName)},
		{"--certificate-authority", "--kube-ca-file", "HELM_KUBECAFILE", text(k.CAFile)},
		{"--tls-server-name", "--kube-tls-server-name", "HELM_KUBETLS_SERVER_NAME", text(k.TLSServerName)},
		{"--insecure-skip-tls-verify", "--kube-insecure-skip-tls-verify", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", insecure},
		{"--as", "--kube-as-user", "HELM_KUBEASUSER", text(k.Impersonate)},
		{"--as-group", "--kube-as-group", "HELM_KUBEASGROUPS", *k.ImpersonateGroup},
	}
	return slices.DeleteFunc(all, func(f clusterFlag) bool { return len(f.values) == 0 })
}

// kubeconfigArgs is the file in use where a command that is pasted might not find it
// by itself. Helm takes --kubeconfig out of a plugin's arguments and sets
// KUBECONFIG, which the user's own shell then lacks; a list of files can only
// come from that shell.
func (k Kube) kubeconfigArgs() []string {
	switch {
	case *k.KubeConfig != "":
		return []string{*k.KubeConfig}
	case k.helm && k.handedFile != "" && !strings.ContainsRune(k.handedFile, filepath.ListSeparator):
		return []string{k.handedFile}
	}
	return nil
}

// shellWords are the arguments by which a command means the cluster in use.
func (f clusterFlag) shellWords(name string) []string {
	var out []string
	for _, v := range f.values {
		if v == "true" && strings.HasSuffix(name, "-verify") { // a bool swallows no second word
			out = append(out, name+"=true")
			continue
		}
		out = append(out, name, v)
	}
	return out
}

// forKubectl and forHelm are those arguments for either program. Helm cannot name
// a kubeconfig's cluster entry: its address is in for it.
func (k Kube) forKubectl() []string {
	var out []string
	for _, f := range k.clusterFlags() {
		out = append(out, f.shellWords(f.kubectl)...)
	}
	return out
}

func (k Kube) forHelm() []string {
	var out []string
	for _, f := range k.clusterFlags() {
		switch {
		case f.helm != "":
			out = append(out, f.shellWords(f.helm)...)
		case f.kubectl == "--cluster" && *k.APIServer == "":
			if c, _, err := cluster.ResolveConnection(k.ConfigFlags); err == nil {
				out = append(out, "--kube-apiserver", c.Server)
			}
		}
	}
	return out
}

// HelmEnvFlags are the flags that Helm took out of the command and put into the
// environment: without them the same command would mean another cluster. What
// was exported there looks the same, and does no harm as a flag.
func (k Kube) HelmEnvFlags(getenv func(string) string) []string {
	if !k.helm {
		return nil
	}
	var out []string
	for _, f := range k.clusterFlags() {
		if f.env != "" && getenv(f.env) == strings.Join(f.values, ",") {
			out = append(out, f.shellWords(f.helm)...)
		}
	}
	if ns := k.ExplicitNamespace(); ns != "" && ns == k.helmNamespace {
		out = append(out, "-n", ns)
	}
	return out
}

// pasted finds the beginnings of commands in a hint: where a line or a bracket
// begins, and behind what joins two commands.
var pasted = regexp.MustCompile(`(?m)((?:^|^hint: |^then: )\s*|\(|&& |\|\| |\| |; )(kubectl aistor-upgrade|helm aistor|kubectl|helm|flux)((?: +[a-z][a-z-]*)*)( -|)`)

// The verbs that connect to a cluster, by program; others take none of the flags.
var connecting = map[string][]string{
	"kubectl aistor-upgrade": {"export", "preflight", "validate", "status", "images", "collect"},
	"helm aistor":            {"plan", "upgrade", "rollback", "values"},
	"helm":                   {"list", "get", "history", "status", "install", "upgrade", "uninstall", "rollback"},
	"flux":                   {"get", "suspend", "resume", "reconcile"},
	"kubectl": {"get", "describe", "logs", "delete", "create", "apply", "replace", "patch", "edit", "annotate", "label", "wait", "rollout",
		"cordon", "uncordon", "drain", "scale", "exec", "auth", "cluster-info", "version", "explain", "api-resources", "config view"},
}

// WithContext makes the commands of a hint mean the cluster that was checked,
// whichever program they are for. It is the only place that does.
func (k Kube) WithContext(hint string) string {
	if k.ConfigFlags == nil || len(k.clusterFlags()) == 0 {
		return hint
	}
	var out strings.Builder
	last := 0
	for _, m := range pasted.FindAllStringSubmatchIndex(hint, -1) {
		program, verb, flags := hint[m[4]:m[5]], strings.TrimSpace(hint[m[6]:m[7]]), m[8] < m[9]
		rest, _, _ := strings.Cut(hint[m[5]:], "\n")
		if !takesClusterFlags(program, verb, flags) || strings.Contains(rest, "--context ") || strings.Contains(rest, "--kube-context ") {
			continue
		}
		words := k.forKubectl()
		if strings.HasPrefix(program, "helm") {
			words = k.forHelm()
		}
		at := m[5] // behind the program, where all of its verbs take them
		if strings.Contains(program, " ") {
			at += 1 + len(strings.Fields(verb)[0])
		}
		out.WriteString(hint[last:at])
		for _, w := range words {
			out.WriteString(" " + shellquote.Quote(w))
		}
		last = at
	}
	return out.String() + hint[last:]
}

// takesClusterFlags reports whether a program with that verb takes flags that choose a
// cluster. flags says that what follows is one.
func takesClusterFlags(program, verb string, flags bool) bool {
	if verb == "" {
		return flags && !strings.Contains(program, " ")
	}
	return slices.ContainsFunc(connecting[program], func(known string) bool {
		return verb == known || strings.HasPrefix(verb, known+" ")
	})
}

// RunChecks runs checks and makes the commands in their findings mean the cluster
// that was checked.
func (k Kube) RunChecks(ctx context.Context, checks []preflight.Check, s *preflight.Subject, opts preflight.Options) *preflight.Report {
	report := preflight.Run(ctx, checks, s, opts)
	for i := range report.Results {
		r := &report.Results[i]
		r.Remedy, r.Message = k.WithContext(r.Remedy), k.WithContext(r.Message)
		for j := range r.Details {
			r.Details[j] = k.WithContext(r.Details[j])
		}
	}
	return report
}
