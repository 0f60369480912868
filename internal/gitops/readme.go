package gitops

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// markdownPage is the README under way.
type markdownPage struct{ bytes.Buffer }

// addLine writes lines of Markdown. A string among args is text without markup in
// it; one of type code goes between backticks.
func (p *markdownPage) addLine(format string, args ...any) {
	safe := make([]any, len(args))
	for i, a := range args {
		safe[i] = a
		switch v := a.(type) {
		case string:
			safe[i] = plainText.Replace(message.Line(v))
		case code:
			safe[i] = strings.ReplaceAll(message.Line(string(v)), "`", "'")
		}
	}
	fmt.Fprintf(p, format+"\n", safe...)
}

// code is text for between backticks.
type code string

// plainText takes from text what Markdown would act on: cells of tables, links,
// images, HTML and code spans. It is safe for concurrent use.
var plainText = strings.NewReplacer("|", `\|`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "`", "\\`", "*", `\*`)

// addCommands is a block to be pasted.
func (p *markdownPage) addCommands(lines ...string) {
	p.addLine("\n```console")
	for _, l := range lines {
		p.WriteString("$ " + message.Line(l) + "\n")
	}
	p.addLine("```")
}

// buildReadme says what to commit in which order, and what to wait for.
func buildReadme(r Request, folders []stepFolder) []byte {
	p := &markdownPage{}
	p.addLine("# AIStor upgrade, as commits\n")
	p.addLine("Created from plan `%s`. Each directory is one step: commit it, wait until it is\ncomplete, then continue with the next. No file contains a secret.\n", code(shortDigest(r.Plan.Digest())))
	p.addLine("| step | what | restarts |\n|---|---|---|")
	for _, f := range folders {
		p.addLine("| %s | %s | %s |", f.name, f.step.Title, restartText(f.step))
	}
	p.addLine("\n## Before the first commit\n")
	if uid := r.Plan.Cluster.UID; uid != "" {
		p.addLine("The plan is for the cluster whose namespace kube-system has the UID\n`%s`; is it this one?", uid)
		p.addCommands("kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'")
		p.addLine("")
	}
	p.addLine("Push images and charts to the registry and run the checks before the first\ncommit:")
	bundle := cmp.Or(r.Plan.Bundle.Name, "aistor.bundle")
	p.addCommands(shellquote.Command("helm aistor push %s", bundle), shellquote.Command("kubectl aistor-upgrade preflight --bundle %s", bundle),
		"kubectl get objectstores.aistor.min.io -A -o yaml > objectstores.yaml")
	p.addLine("\n`preflight` fails `gitops-owners` for managed releases; waive it with\n`--waive gitops-owners='done by commits'`.")
	kept := map[string]bool{}
	for _, f := range folders {
		p.addSection(f, kept)
	}
	p.addLine("\n## At the end\n")
	p.addLine("Validate the cluster against the complete plan:")
	p.addCommands("kubectl aistor-upgrade validate --plan plan.yaml")
	return p.Bytes()
}

// addSection is about one step; kept are the releases whose secrets were told of.
func (p *markdownPage) addSection(f stepFolder, kept map[string]bool) {
	p.addLine("\n## %s\n", f.name)
	p.addLine("%s: %s.", strings.ToUpper(f.step.Title[:1])+f.step.Title[1:], cmp.Or(f.step.Why, "the target"))
	if f.step.Risk != "" {
		p.addLine("Risk: %s.", f.step.Risk)
	}
	switch f.step.Action {
	case plan.ActionRecreateBindings:
		p.addRecreateBindings(f)
	case plan.ActionMarkFailed:
		p.addLine("\nFlux's helm-controller recovers such a release automatically. Without it,\nupgrade from the previous revision; never uninstall the release.")
	case plan.ActionLicense:
		p.addLicense(f)
	default:
		if len(f.secretPaths) > 0 && !kept[f.change.Key()] {
			kept[f.change.Key()] = true
			p.addSecrets(f)
		}
		p.addRelease(f)
	}
}

func (p *markdownPage) addRecreateBindings(f stepFolder) {
	p.addLine("\nRun this right before the next commit: until that is applied, the operator lacks\nthese permissions. `bindings.yaml` restores them.")
	var lines []string
	for _, o := range f.step.Objects {
		lines = append(lines, shellquote.Command("kubectl delete %s %s", strings.ToLower(o.Kind), o.Name)+namespaceFlag(o.Namespace))
	}
	p.addCommands(lines...)
}

func (p *markdownPage) addLicense(f stepFolder) {
	o := f.step.Objects[0]
	p.addLine("\nNo release owns this Secret. Where your repository keeps it, change it there;\notherwise:")
	p.addCommands(shellquote.Command("kubectl create secret generic %s -n %s --from-file=%s=LICENSE_FILE --dry-run=client -o yaml | kubectl apply -f -", o.Name, o.Namespace, aistor.LicenseSecretKey))
}

// addSecrets says where the values come from that no file has.
func (p *markdownPage) addSecrets(f stepFolder) {
	c := f.change
	p.addLine("\nThese values contain secrets and are not in any file: %s.", codeList(f.secretPaths))
	if f.tool == ArgoCD {
		p.addLine("Provide them through the secret store of your Argo CD installation.")
		return
	}
	p.addLine("Store them once in a Secret next to the HelmRelease. This copies them from the\nrelease (requires `jq`):")
	p.addCommands(shellquote.Command("helm get values %s -n %s -o json | jq %s | kubectl create secret generic %s -n %s --from-file=values.yaml=/dev/stdin",
		c.Release, c.Namespace, jqFilter(f.secretPaths), secretValues(c), f.owner.Namespace))
	if len(f.changedSecretPaths) > 0 {
		p.addLine("\n**The release lacks, or has others for: %s.** Put these into the Secret\nyourself before you commit; else the upgrade removes them, or keeps the older ones.", codeList(f.changedSecretPaths))
	}
}

func (p *markdownPage) addRelease(f stepFolder) {
	c := f.change
	if f.tool == ArgoCD {
		p.addLine("\nCommit `application.yaml`, synchronise, and wait until it is healthy, without\npruning:")
		p.addCommands(shellquote.Command("kubectl wait application/%s -n %s --for=jsonpath='{.status.sync.status}'=Synced --timeout=15m", f.owner.Name, cmp.Or(f.owner.Namespace, "argocd")))
	} else {
		p.addLine("\nCommit `helmrelease.yaml`, let Flux reconcile it, and wait until this chart is\ndeployed:")
		p.addCommands(shellquote.Command("kubectl wait helmrelease/%s -n %s --for=jsonpath='{.status.history[0].chartVersion}'=%s --timeout=15m", f.owner.Name, f.owner.Namespace, c.To.Version))
	}
	p.addLine("\nContinue when this passes:")
	p.addCommands(shellquote.Command("kubectl aistor-upgrade validate --plan %s/expected.yaml --watch --timeout 30m", f.name))
}

// jqFilter is the jq program that leaves only the values at these paths. One that
// does not exist is left out: to Helm null means to delete.
func jqFilter(paths [][]string) string {
	list, err := json.Marshal(paths)
	if err != nil {
		panic(fmt.Sprintf("gitops: encoding %T: %v", paths, err)) // strings always can be
	}
	return ". as $v | reduce (" + string(list) + "[]) as $p ({}; if ($v | getpath($p)) == null then . else setpath($p; $v | getpath($p)) end)"
}

func restartText(s plan.Step) string {
	var list []string
	for _, r := range s.Restarts {
		list = append(list, fmt.Sprintf("%s of %s, %s", plural.Count(r.Pods, "pod"), r.Store, r.Strategy))
	}
	return cmp.Or(strings.Join(list, "; "), "-")
}

func valuesHeader(f *stepFolder) string {
	head := "# All values of release " + message.Line(f.change.Key()) + " for this step, for other rendering tools.\n"
	if len(f.secretPaths) > 0 {
		head += "# NOT COMPLETE: omitted because they contain secrets: " + message.Line(joinPaths(f.secretPaths, ", ")) + "\n"
	}
	return head
}

func namespaceFlag(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " -n " + shellquote.Word(namespace)
}

func shortDigest(digest string) string {
	d := digest[strings.LastIndexByte(digest, ':')+1:]
	return d[:min(12, len(d))]
}

// codeList are paths, each between backticks.
func codeList(paths [][]string) message.Layout {
	var list []string
	for _, p := range paths {
		list = append(list, "`"+strings.ReplaceAll(joinPaths([][]string{p}, ""), "`", "'")+"`")
	}
	return message.List(list, ", ")
}
