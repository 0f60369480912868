package option

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

// Sets are Helm's flags for single settings.
type Sets struct{ chart.SetFlags }

// AddFlags adds them; form is how one is written, such as KEY=VALUE.
func (o *Sets) AddFlags(fs *pflag.FlagSet, form string) {
	for _, f := range o.flagLists() {
		fs.StringArrayVar(f.list, f.name, nil, f.usage+", as "+strings.ReplaceAll(form, "VALUE", f.value)+" (can be repeated)")
	}
}

type setList struct {
	name, usage, value string
	list               *[]string
}

// flagLists are the flags in Helm's order.
func (o *Sets) flagLists() []setList {
	return []setList{
		{"set-json", "set a value given as JSON", "JSON", &o.JSON},
		{"set", "set a value", "VALUE", &o.Set},
		{"set-string", "set a STRING value", "VALUE", &o.String},
		{"set-file", "set a value from a file", "FILE", &o.File},
		{"set-literal", "set a literal value", "VALUE", &o.Literal},
	}
}

// Validate refuses secrets: everybody on the machine sees a command line, and
// shells keep it.
func (o *Sets) Validate() error {
	for _, f := range o.flagLists() {
		if f.list == &o.File {
			continue
		}
		for _, s := range *f.list {
			one := &Sets{}
			*one.listByName(f.name) = []string{s}
			v, err := one.ApplyTo(nil)
			if err != nil {
				return term.WithHint(err, "see helm install --help for the syntax")
			}
			if len(redact.FindSecrets(v)) > 0 {
				name := chart.SetName(s)
				return term.WithHint(fmt.Errorf("reading --%s %q: secrets on the command line are visible to other users", f.name, name+"=…"),
					"--set-file "+name+"=FILE reads it from a file"+withoutNewline(name))
			}
		}
	}
	// The name of a variable may stand in one flag, and its value in the next.
	all := &Sets{o.SetFlags}
	all.File = nil
	if v, err := all.ApplyTo(nil); err == nil && len(redact.FindSecrets(v)) > 0 {
		return term.WithHint(errors.New("reading the settings: secrets on the command line are visible to other users"),
			"--set-file KEY=FILE reads it from a file, which must not end in a newline (printf %s)")
	}
	return nil
}

// withoutNewline says how the file of a credential is written: what most
// programs write ends in a newline, which would become part of it. A license may
// have one.
func withoutNewline(setting string) string {
	if strings.HasSuffix(setting, "license") {
		return ""
	}
	return ", which must not end in a newline (printf %s)"
}

// listByName is the list of the flag of this name.
func (o *Sets) listByName(name string) *[]string {
	for _, f := range o.flagLists() {
		if f.name == name {
			return f.list
		}
	}
	return nil
}

// ShellFlags are the flags as a shell takes them.
func (o *Sets) ShellFlags() string {
	var list []string
	for _, f := range o.flagLists() {
		for _, s := range *f.list {
			list = append(list, "--"+f.name+" "+shellquote.Quote(s))
		}
	}
	return strings.Join(list, " ")
}

// OperatorKey stands for the operator's release where stores are named as
// NAMESPACE/NAME.
const OperatorKey = "operator"

// ReleaseKey matches what names a release in flags: operator, or NAMESPACE/NAME of
// a store.
var ReleaseKey = regexp.MustCompile(`^(operator|[a-z0-9.-]+/[a-z0-9.-]+)$`)

// SplitByRelease parts settings that say which release they are for: the chart of
// each has its own.
func (o *Sets) SplitByRelease() (map[string]*Sets, error) {
	out := map[string]*Sets{}
	for _, f := range o.flagLists() {
		for _, s := range *f.list {
			key, rest, ok := strings.Cut(s, ":")
			if !ok || !ReleaseKey.MatchString(key) {
				return nil, term.WithHint(fmt.Errorf("reading --%s %q: release prefix is missing", f.name, chart.SetName(s)+"=…"),
					"--"+f.name+" operator:KEY=VALUE for the operator, --"+f.name+" NAMESPACE/NAME:KEY=VALUE for an object store")
			}
			if out[key] == nil {
				out[key] = &Sets{}
			}
			list := out[key].listByName(f.name)
			*list = append(*list, rest)
		}
	}
	for _, sets := range out {
		if err := sets.Validate(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
