package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
)

// setOptions are Helm's flags for single settings.
type setOptions struct{ chart.Sets }

// addFlags adds them; form is how one is written, such as KEY=VALUE.
func (o *setOptions) addFlags(fs *pflag.FlagSet, form string) {
	for _, f := range o.lists() {
		fs.StringArrayVar(f.list, f.name, nil, f.usage+", as "+strings.ReplaceAll(form, "VALUE", f.value)+" (can be repeated)")
	}
}

type setList struct {
	name, usage, value string
	list               *[]string
}

// lists are the flags in Helm's order.
func (o *setOptions) lists() []setList {
	return []setList{
		{"set-json", "set a value given as JSON", "JSON", &o.JSON},
		{"set", "set a value on top of files or release", "VALUE", &o.Set},
		{"set-string", "set a value that stays text", "VALUE", &o.String},
		{"set-file", "set a value to what a file holds", "FILE", &o.File},
		{"set-literal", "set a value in which nothing has a meaning", "VALUE", &o.Literal},
	}
}

// validate refuses secrets: everybody on the machine sees a command line, and
// shells keep it.
func (o *setOptions) validate() error {
	for _, f := range o.lists() {
		if f.list == &o.File {
			continue
		}
		for _, s := range *f.list {
			one := &setOptions{}
			*one.same(f.name) = []string{s}
			v, err := one.Into(nil)
			if err != nil {
				return withHint(err, "helm install --help shows the forms")
			}
			if len(redact.Find(v)) > 0 {
				name := chart.SetName(s)
				return withHint(fmt.Errorf("reading --%s %q: a secret on the command line is seen by everybody on this machine", f.name, name+"=…"),
					"--set-file "+name+"=FILE reads it from a file"+withoutNewline(name))
			}
		}
	}
	// The name of a variable may stand in one flag, and its value in the next.
	all := &setOptions{o.Sets}
	all.File = nil
	if v, err := all.Into(nil); err == nil && len(redact.Find(v)) > 0 {
		return withHint(errors.New("reading the settings: a secret on the command line is seen by everybody on this machine"),
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

// same is the list of the flag of this name.
func (o *setOptions) same(name string) *[]string {
	for _, f := range o.lists() {
		if f.name == name {
			return f.list
		}
	}
	return nil
}

// words are the flags as a shell takes them.
func (o *setOptions) words() string {
	var list []string
	for _, f := range o.lists() {
		for _, s := range *f.list {
			list = append(list, "--"+f.name+" "+shell.Quote(s))
		}
	}
	return strings.Join(list, " ")
}

// operatorKey stands for the operator's release where stores are named as
// NAMESPACE/NAME.
const operatorKey = "operator"

var releaseKey = regexp.MustCompile(`^(operator|[a-z0-9.-]+/[a-z0-9.-]+)$`)

// byRelease parts settings that say which release they are for: the chart of
// each has its own.
func (o *setOptions) byRelease() (map[string]*setOptions, error) {
	out := map[string]*setOptions{}
	for _, f := range o.lists() {
		for _, s := range *f.list {
			key, rest, ok := strings.Cut(s, ":")
			if !ok || !releaseKey.MatchString(key) {
				return nil, withHint(fmt.Errorf("reading --%s %q: it does not say which release is meant", f.name, chart.SetName(s)+"=…"),
					"--"+f.name+" operator:KEY=VALUE is the operator's, --"+f.name+" NAMESPACE/NAME:KEY=VALUE that of a store")
			}
			if out[key] == nil {
				out[key] = &setOptions{}
			}
			list := out[key].same(f.name)
			*list = append(*list, rest)
		}
	}
	for _, sets := range out {
		if err := sets.validate(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
