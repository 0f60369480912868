package plan

import (
	"slices"
	"strings"
)

// Beyond reports whether a gap is outside the one namespace that was looked
// at, for want of rights that nobody needs there.
func (f *Facts) Beyond(g Gap) bool {
	return f.Namespace != "" && g.Denied && !g.InNamespace(f.Namespace)
}

// Open reports whether somebody has to fill a gap: it is about what was asked
// for, and who upgrades needs it.
func (f *Facts) Open(g Gap) bool { return !g.Denied || !g.Optional && !f.Beyond(g) }

// OpenGaps are the gaps that somebody has to fill, without those about the
// resources that the caller does not use.
func (f *Facts) OpenGaps(unused ...string) []Gap {
	var list []Gap
	for _, g := range f.Gaps {
		if f.Open(g) && !slices.Contains(unused, g.Resource()) {
			list = append(list, g)
		}
	}
	return list
}

// Resource is what a gap is about, in plural and without a namespace: "pods" of
// "operator pods in team-a". It is "namespaces" for one of several words.
func (g Gap) Resource() string {
	what, _, _ := strings.Cut(g.Subject, " in ")
	words := strings.Fields(what)
	switch {
	case len(words) == 0:
		return ""
	case len(words) > 1 && (words[0] == "namespaces" || strings.Contains(words[1], "/")):
		return words[0]
	}
	return words[len(words)-1]
}

// Remedy is the question to the API server whose answer an administrator changes
// with a role; empty where rights are not what is missing.
func (g Gap) Remedy() string {
	if !g.Denied {
		return ""
	}
	what, where, _ := strings.Cut(g.Subject, " in ")
	words := strings.Fields(what)
	if len(words) == 0 {
		return ""
	}
	verb, resource := "list", words[len(words)-1]
	if words[0] == "namespaces" && len(words) > 1 {
		return "kubectl auth can-i get namespaces/" + resource + " -n " + resource
	}
	if ns, _, named := strings.Cut(resource, "/"); named && len(words) > 1 {
		verb, resource, where = "get", words[0], ns
	}
	switch resource {
	case "releases":
		resource = "secrets" // Helm keeps them there
	case "journals", "upgrade":
		resource = "configmaps"
	}
	command := "kubectl auth can-i " + verb + " " + resource
	switch where = strings.TrimSpace(where); {
	case where == "all namespaces":
		command += " -A"
	case where != "":
		command += " -n " + where
	}
	return command
}
