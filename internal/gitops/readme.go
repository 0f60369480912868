package gitops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// page is the README under way.
type page struct{ bytes.Buffer }

// line writes lines of Markdown. A string among args is text without markup in
// it; one of type code goes between backticks.
func (p *page) line(format string, args ...any) {
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

// commands is a block to be pasted.
func (p *page) commands(lines ...string) {
	p.line("\n```console")
	for _, l := range lines {
		p.WriteString("$ " + message.Line(l) + "\n")
	}
	p.line("```")
}

// readme says what to commit in which order, and what to wait for.
func readme(r Request, folders []folder) []byte {
	p := &page{}
	p.line("# AIStor upgrade, as commits\n")
	p.line("Made from plan `%s`. One folder is one step: commit it, wait until it is\nthrough, then take the next. Nothing here holds a secret.\n", code(short(r.Plan.Digest())))
	p.line("| step | what | restarts |\n|---|---|---|")
	for _, f := range folders {
		p.line("| %s | %s | %s |", f.name, f.step.Title, restarts(f.step))
	}
	p.line("\n## Before the first commit\n")
	if uid := r.Plan.Cluster.UID; uid != "" {
		p.line("The plan is for the cluster whose namespace kube-system has the UID\n`%s`; is it this one?", uid)
		p.commands("kubectl get namespace kube-system -o jsonpath='{.metadata.uid}'")
		p.line("")
	}
	p.line("Images and charts have to be in the registry before the operator changes, and\nthe checks have to pass:")
	bundle := orElse(r.Plan.Bundle.Name, "aistor.bundle")
	p.commands(shell.Command("helm aistor push %s", bundle), shell.Command("kubectl aistor-upgrade preflight --bundle %s", bundle),
		"kubectl get objectstores.aistor.min.io -A -o yaml > objectstores.yaml")
	p.line("\n`preflight` fails `gitops-owners` as long as the releases are managed; waive that\none: `--waive gitops-owners='done by commits'`.")
	kept := map[string]bool{}
	for _, f := range folders {
		p.section(f, kept)
	}
	p.line("\n## At the end\n")
	p.line("The whole plan is held against the cluster:")
	p.commands("kubectl aistor-upgrade validate --plan plan.yaml")
	return p.Bytes()
}

// section is about one step; kept are the releases whose secrets were told of.
func (p *page) section(f folder, kept map[string]bool) {
	p.line("\n## %s\n", f.name)
	p.line("%s: %s.", strings.ToUpper(f.step.Title[:1])+f.step.Title[1:], orElse(f.step.Why, "the target"))
	if f.step.Risk != "" {
		p.line("Risk: %s.", f.step.Risk)
	}
	switch f.step.Action {
	case plan.ActionMend:
		p.mend(f)
	case plan.ActionUnstick:
		p.line("\nFlux's helm-controller frees such a release by itself. Where no controller does,\nthe release is gone on with from the revision before; never uninstall it.")
	case plan.ActionLicense:
		p.license(f)
	default:
		if len(f.left) > 0 && !kept[f.change.Key()] {
			kept[f.change.Key()] = true
			p.secrets(f)
		}
		p.release(f)
	}
}

func (p *page) mend(f folder) {
	p.line("\nRight before the next folder is committed, with that commit at hand: until it is\napplied the operator lacks these rights. `bindings.yaml` brings them back.")
	var lines []string
	for _, o := range f.step.Objects {
		lines = append(lines, shell.Command("kubectl delete %s %s", strings.ToLower(o.Kind), o.Name)+within(o.Namespace))
	}
	p.commands(lines...)
}

func (p *page) license(f folder) {
	o := f.step.Objects[0]
	p.line("\nNo release owns this Secret. Where your repository keeps it, change it there;\notherwise:")
	p.commands(shell.Command("kubectl create secret generic %s -n %s --from-file=%s=LICENSE_FILE --dry-run=client -o yaml | kubectl apply -f -", o.Name, o.Namespace, aistor.LicenseSecretKey))
}

// secrets says where the values come from that no file has.
func (p *page) secrets(f folder) {
	c := f.change
	p.line("\nThese values hold secrets and are in no file: %s.", codeList(f.left))
	if f.tool == ArgoCD {
		p.line("They have to come from where your installation of Argo CD keeps secrets.")
		return
	}
	p.line("Keep them in a Secret beside the HelmRelease, once for all steps. This fills it\nfrom the release, unseen (`jq` is needed):")
	p.commands(shell.Command("helm get values %s -n %s -o json | jq %s | kubectl create secret generic %s -n %s --from-file=values.yaml=/dev/stdin",
		c.Release, c.Namespace, pick(f.left), secretValues(c), f.by.Namespace))
	if len(f.anew) > 0 {
		p.line("\n**The release lacks, or has others for: %s.** Put these into the Secret\nyourself before you commit; else the upgrade removes them, or keeps the older ones.", codeList(f.anew))
	}
}

func (p *page) release(f folder) {
	c := f.change
	if f.tool == ArgoCD {
		p.line("\nCommit `application.yaml`, synchronise, and wait until it is healthy, without\npruning:")
		p.commands(shell.Command("kubectl wait application/%s -n %s --for=jsonpath='{.status.sync.status}'=Synced --timeout=15m", f.by.Name, orElse(f.by.Namespace, "argocd")))
	} else {
		p.line("\nCommit `helmrelease.yaml`, let Flux reconcile it, and wait until this chart is\nthere:")
		p.commands(shell.Command("kubectl wait helmrelease/%s -n %s --for=jsonpath='{.status.history[0].chartVersion}'=%s --timeout=15m", f.by.Name, f.by.Namespace, c.To.Version))
	}
	p.line("\nGo on only when everything runs what this step asks for:")
	p.commands(shell.Command("kubectl aistor-upgrade validate --plan %s/expected.yaml --watch --timeout 30m", f.name))
}

// pick is the jq program that leaves only the values at these paths. One that
// is not there is left out: to Helm null means to delete.
func pick(paths [][]string) string {
	list, err := json.Marshal(paths)
	if err != nil {
		panic(fmt.Sprintf("gitops: encoding %T: %v", paths, err)) // strings always can be
	}
	return ". as $v | reduce (" + string(list) + "[]) as $p ({}; if ($v | getpath($p)) == null then . else setpath($p; $v | getpath($p)) end)"
}

func restarts(s plan.Step) string {
	var list []string
	for _, r := range s.Restarts {
		list = append(list, fmt.Sprintf("%s of %s, %s", words.Count(r.Pods, "pod"), r.Store, r.How))
	}
	return orElse(strings.Join(list, "; "), "-")
}

func valuesHead(f *folder) string {
	head := "# All values of release " + message.Line(f.change.Key()) + " for this step, for whoever renders by other means.\n"
	if len(f.left) > 0 {
		head += "# NOT COMPLETE: left out, for they hold secrets: " + message.Line(dotted(f.left, ", ")) + "\n"
	}
	return head
}

func within(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " -n " + shell.Word(namespace)
}

func short(digest string) string {
	d := digest[strings.LastIndexByte(digest, ':')+1:]
	return d[:min(12, len(d))]
}

// codeList are paths, each between backticks.
func codeList(paths [][]string) message.Layout {
	var list []string
	for _, p := range paths {
		list = append(list, "`"+strings.ReplaceAll(dotted([][]string{p}, ""), "`", "'")+"`")
	}
	return message.List(list, ", ")
}
