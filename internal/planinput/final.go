package planinput

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/valuecheck"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// releaseValues are the values of one release on their way to be rendered.
type releaseValues struct {
	key   string // operator, or namespace/name of the store
	of    string
	input valuecheck.Input
	stdin string
	// setFiles are the flags --set-file, without the release that they are for.
	setFiles []string
	change   *plan.Change
}

// keyOf is how flags name a change's release.
func keyOf(change *plan.Change) string {
	if change.Store == "" {
		return "operator"
	}
	return change.StoreKey()
}

func (r Request) releaseValues(change *plan.Change, release plan.InstalledRelease, user map[string]any, given Values) releaseValues {
	set, _ := given.Sets.ApplyTo(nil)
	key := keyOf(change)
	return releaseValues{
		key: key, of: fmt.Sprintf("release %q", change.Key()), stdin: given.Stdin, setFiles: given.Sets.File, change: change,
		input: valuecheck.Input{
			Values: user, Sources: given.Sources, Set: set, Installed: release.Values, Literal: LiteralFor(r.Options.LiteralValues, key),
			Login: rootLogin(change),
		},
	}
}

// rootLogin is the login that a store's objects have, by setting.
func rootLogin(change *plan.Change) map[string]string {
	login := map[string]string{}
	for _, setting := range []string{"accessKey", "secretKey"} {
		if text, known := plan.RootLogin(change.Before, change.Namespace, change.Store, setting); known && change.Store != "" {
			login[setting] = text
		}
	}
	return login
}

// LiteralFor are the settings of one release that --literal-value names.
func LiteralFor(literal []string, key string) []string {
	var list []string
	for _, l := range literal {
		if of, setting, ok := strings.Cut(l, ":"); ok && of == key {
			list = append(list, setting)
		}
	}
	return list
}

// CheckFinal refuses values that are not final, outside a plan; fileFlag
// takes them from a file, for the hint. installed are the release's, nil where
// they are not known.
func CheckFinal(of string, user map[string]any, given Values, installed map[string]any, literal []string, fileFlag string) error {
	set, _ := given.Sets.ApplyTo(nil)
	in := valuecheck.Input{Values: user, Sources: given.Sources, Set: set, Installed: installed, Literal: literal}
	if found, _ := valuecheck.Check(in); len(found) > 0 {
		return &valuecheck.NotFinalError{Of: of, Findings: found, Command: given.Stdin, FileFlag: fileFlag, SetFile: setFile(given.Sets.File, found[0])}
	}
	return releaseValues{of: of, input: in, change: &plan.Change{}}.refuseStructures()
}

// ExplainNotText says of a chart's refusal which credentials are no text, where
// that is why; otherwise err comes back as it is. release is what is installed,
// as far as that is known.
func ExplainNotText(err error, of string, user map[string]any, sources []values.Source, release plan.InstalledRelease, store string) error {
	if err == nil {
		return nil
	}
	return outsidePlan(of, user, sources, release, store).explain(err)
}

// WarnNotText are the credentials that are no text and that a chart renders all
// the same; the error is of those that it renders in another form than they are
// written. See [ExplainNotText].
func WarnNotText(of string, user map[string]any, sources []values.Source, release plan.InstalledRelease, store string) ([]string, error) {
	v := outsidePlan(of, user, sources, release, store)
	return v.notText(), v.refuseNotText(func(n valuecheck.NotText) bool { return n.Refused })
}

func outsidePlan(of string, user map[string]any, sources []values.Source, release plan.InstalledRelease, store string) releaseValues {
	_, name, _ := strings.Cut(store, "/")
	change := &plan.Change{Namespace: release.Namespace, Release: release.Name, Store: name, Before: images.ParseObjects(release.Manifest)}
	return releaseValues{of: of, change: change, input: valuecheck.Input{
		Values: user, Sources: sources, Installed: release.Values, Login: rootLogin(change),
	}}
}

// final refuses values that are not final, and gives the texts that were
// accepted.
func (v releaseValues) final() (valuecheck.Accepted, error) {
	found, accepted := valuecheck.Check(v.input)
	if err := v.refusal(found); err != nil {
		return nil, err
	}
	return accepted, v.refuseStructures()
}

// refuseStructures refuses maps, lists and nothing in the place of credentials
// before a chart prints them as text.
func (v releaseValues) refuseStructures() error {
	return v.refuseNotText(func(n valuecheck.NotText) bool { return n.Structure })
}

// refuseNotText refuses credentials that are no text and that a chart renders
// all the same.
func (v releaseValues) refuseNotText(refused func(valuecheck.NotText) bool) error {
	list := slices.DeleteFunc(valuecheck.CredentialsNotText(v.input), func(n valuecheck.NotText) bool { return !refused(n) })
	if len(list) == 0 {
		return nil
	}
	return v.notTextError(list)
}

// notTextError says of credentials what they are in place of text, and where
// the present login is to be had.
func (v releaseValues) notTextError(list []valuecheck.NotText) *valuecheck.NotTextError {
	e := &valuecheck.NotTextError{Of: v.of, List: list, Next: "put them in quotes where they are written"}
	for _, n := range list {
		e.Notes = append(e.Notes, v.quoting(n))
	}
	if secret := plan.RootSecret(v.change.Before, v.change.Store); secret != "" {
		e.Next = shellquote.Command("kubectl -n %s get secret %s -o yaml", v.change.Namespace, secret) +
			" holds the present login (base64): put that text in quotes to keep it"
	}
	return e
}

// finalRendered refuses credentials in rendered Secrets that are not final.
func (v releaseValues) finalRendered(after []images.Object, accepted valuecheck.Accepted) error {
	found := valuecheck.CheckRendered(after, v.change.Before, accepted)
	for i := len(found) - 1; i >= 0; i-- {
		for _, literal := range v.input.Literal {
			if found[i].Name() == literal {
				found = append(found[:i], found[i+1:]...)
				break
			}
		}
	}
	return v.refusal(found)
}

func (v releaseValues) refusal(found []valuecheck.Finding) error {
	if len(found) == 0 {
		return nil
	}
	file := "--operator-values FILE"
	if v.key != "operator" {
		file = shellquote.Command("--store-values %s", v.key+"=FILE")
	}
	return &valuecheck.NotFinalError{Of: v.of, Findings: found, Command: v.stdin, FileFlag: file, Key: v.key + ":", SetFile: setFile(v.setFiles, found[0])}
}

// setFile is the file that the flags --set-file give a setting from, empty
// where none does.
func setFile(flags []string, f valuecheck.Finding) string {
	for _, flag := range slices.Backward(flags) {
		if setting, file, ok := strings.Cut(flag, "="); ok && setting == f.Name() {
			return file
		}
	}
	return ""
}

// final refuses to go back to values that were not final.
func (r RollbackRequest) final(c plan.Change, installed map[string]any) error {
	v := releaseValues{
		key: keyOf(&c), of: fmt.Sprintf("revision %d of release %q", c.Revision, c.Key()), change: &c,
		input: valuecheck.Input{Values: c.Values, Installed: installed, Literal: LiteralFor(r.Options.LiteralValues, keyOf(&c))},
	}
	accepted, err := v.final()
	if err == nil {
		err = v.finalRendered(c.After, accepted)
	}
	var refused *valuecheck.NotFinalError
	if errors.As(err, &refused) {
		refused.Instead = shellquote.Command("choose another revision with --to %s", c.Key()+"=REVISION")
	}
	return err
}

var typeRefused = regexp.MustCompile(`incompatible types|wrong type for value|expected string`)

// explain says of a chart's refusal which credentials are no text, where that
// is why; otherwise err comes back as it is.
func (v releaseValues) explain(err error) error {
	var refused *chart.RenderError
	list := valuecheck.CredentialsNotText(v.input)
	if len(list) == 0 || !errors.As(err, &refused) {
		return err
	}
	message := refused.Message
	for _, one := range refused.Several {
		message = one.Message
	}
	if !typeRefused.MatchString(message) {
		return err
	}
	e := v.notTextError(list)
	e.Err, e.Message = err, message
	return e
}

// quoting says what quoting a credential as it is written does to the login.
func (v releaseValues) quoting(n valuecheck.NotText) string {
	setting := n.Path[len(n.Path)-1]
	if setting == "license" || n.Structure {
		return ""
	}
	store := v.change.StoreKey()
	installed, known := v.input.Login[setting]
	switch {
	case v.change.Store == "" || !known:
		return "quoting it as it is written may change the root credentials, because the running credentials may be Helm's form of it"
	case n.Written != "" && installed == n.Written:
		return "quoting it as it is written keeps the root credentials of " + store
	case installed == n.Rendered:
		return "the installed text is Helm's form of it: quoting it as it is written changes the root credentials of " + store
	}
	return "quoting it as it is written changes the root credentials of " + store
}

// warnNotText warns of credentials that are no text and that the chart renders
// all the same, and refuses those that it renders in another form.
func (v releaseValues) warnNotText() error {
	for _, message := range v.notText() {
		v.change.Warnings = append(v.change.Warnings, plan.Notice{ID: "credentials-not-text", Message: v.of + ": " + message})
	}
	return v.refuseNotText(func(n valuecheck.NotText) bool { return n.Refused })
}

func (v releaseValues) notText() []string {
	var list []string
	for _, n := range valuecheck.CredentialsNotText(v.input) {
		message := n.Describe()
		if q := v.quoting(n); q != "" {
			message += "; " + q
		}
		list = append(list, message)
	}
	return list
}
