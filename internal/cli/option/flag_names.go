package option

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// nameRule says what a name must be like: nothing where it is.
type nameRule func(name string) []string

// releaseNameLength is the longest name of a release that Helm takes.
const releaseNameLength = 53

func namespaceName(name string) []string { return validation.IsDNS1123Label(name) }

func objectName(name string) []string { return validation.IsDNS1123Subdomain(name) }

func roleName(name string) []string { return content.IsPathSegmentPrefix(name) }

func releaseName(name string) []string {
	if len(name) > releaseNameLength {
		return []string{validation.MaxLenError(releaseNameLength)}
	}
	return validation.IsDNS1123Subdomain(name)
}

func pullSecretName(name string) []string {
	if name == plan.PullSecretNone {
		return nil
	}
	return objectName(name)
}

// namedObject is one name within the value of a flag.
type namedObject struct {
	name, kind string
	rule       nameRule
}

// namesIn finds the names of objects in one value of a flag. What is not of the
// flag's form has none: whoever reads the flag says so.
type namesIn func(value string) []namedObject

func one(kind string, rule nameRule) namesIn {
	return func(value string) []namedObject { return []namedObject{{value, kind, rule}} }
}

// two names are divided by a separator; what comes behind end does not belong to
// them.
func two(separator, end string, kind string, rule nameRule) namesIn {
	return func(value string) []namedObject {
		if end != "" {
			value, _, _ = strings.Cut(value, end)
		}
		namespace, name, ok := strings.Cut(value, separator)
		if !ok {
			return nil
		}
		return []namedObject{{namespace, "a namespace", namespaceName}, {name, kind, rule}}
	}
}

const (
	aStore   = "an object store"
	aRelease = "a Helm release"
)

// settingOf is a setting of the operator or of a store.
func settingOf(value string) []namedObject {
	key, _, _ := strings.Cut(value, "=")
	key, _, ok := strings.Cut(key, ":")
	if !ok || !strings.Contains(key, "/") {
		return nil
	}
	return two("/", "", aStore, objectName)(key)
}

// FlagNames are the flags that take names of objects.
func FlagNames() map[string]namesIn {
	store := two("/", "", aStore, objectName)
	return map[string]namesIn{
		"namespace": one("a namespace", namespaceName), "pull-secret": one("a Secret", pullSecretName), "role-prefix": one("a role", roleName),
		"object-store": store, "accept-restart": store, "accept-downtime": store, "accept-credentials-change": store, "accept-risk": store,
		"accept-volume-change": two("/", "", "a volume claim", objectName),
		"endpoint":             two("/", "=", aStore, objectName), "to": two("/", "=", aRelease, releaseName),
		"role-serviceaccount": two(":", "", "a service account", objectName),
	}
}

// StoreFlags are flags that take names of stores in the verbs that know them, and
// none elsewhere, which their usage says.
func StoreFlags() map[string]namesIn {
	flags := map[string]namesIn{"store-values": two("/", "=", aStore, objectName), "literal-value": settingOf}
	for _, f := range (&Sets{}).flagLists() {
		flags[f.name] = settingOf
	}
	return flags
}

// CheckObjectNames has every command below root refuse flags whose names of
// objects no API server takes, before it does anything.
func CheckObjectNames(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		CheckObjectNames(cmd)
	}
	if run := root.RunE; run != nil && !root.HasSubCommands() {
		root.RunE = func(cmd *cobra.Command, args []string) error {
			if err := validateNames(cmd.Flags()); err != nil {
				return err
			}
			return run(cmd, args)
		}
	}
}

// validateNames reports the first flag that holds a name which no object has.
func validateNames(flags *pflag.FlagSet) (err error) {
	always, stores := FlagNames(), StoreFlags()
	flags.VisitAll(func(f *pflag.Flag) {
		names := always[f.Name]
		if names == nil && strings.Contains(f.Usage, "NAMESPACE/NAME") {
			names = stores[f.Name]
		}
		if names == nil {
			return
		}
		for _, value := range flagValues(f) {
			for _, object := range names(value) {
				if faults := object.rule(object.name); len(faults) > 0 && err == nil {
					err = invalidName(f.Name, object, faults)
				}
			}
		}
	})
	return err
}

// flagValues are what a flag was given, without what is empty.
func flagValues(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.GetSlice()
	}
	if text := f.Value.String(); text != "" {
		return []string{text}
	}
	return nil
}

func invalidName(flag string, object namedObject, faults []string) error {
	return term.WithHint(message.Errorf("reading --%s: %q is not a name of %s\nexpected: %s", flag, object.name, object.kind, strings.Join(faults, "; ")), listing(object.kind))
}

// listing is the command that shows the names of a kind.
func listing(kind string) string {
	switch kind {
	case "a namespace":
		return "kubectl get namespaces lists them"
	case "a Secret":
		return "kubectl get secrets -A --field-selector type=kubernetes.io/dockerconfigjson lists them"
	case aStore:
		return "kubectl get objectstores -A lists them"
	case aRelease:
		return "helm list -A lists them"
	}
	return "kubectl get serviceaccounts,persistentvolumeclaims -A lists them"
}
