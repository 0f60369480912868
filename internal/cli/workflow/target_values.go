package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// readValues reads the files that flags or the site name, in place of the
// releases' own values, and the settings on top.
func (o *TargetOptions) readValues(req *planinput.Request, site *plan.Site) error {
	files, err := o.valuesFiles(site)
	if err != nil {
		return err
	}
	sets, err := o.sets.SplitByRelease()
	if err != nil {
		return err
	}
	for key := range sets {
		if _, named := files[key]; !named {
			files[key] = nil
		}
	}
	for key, names := range files {
		v, err := readValues(o.Program, names, o.planFromStdin(key))
		if err != nil {
			return err
		}
		if s := sets[key]; s != nil {
			v.Sets, v.Flags = s.SetFlags, s.ShellFlags()
		}
		if key == option.OperatorKey {
			req.Operator = v
			continue
		}
		req.Stores[key] = v
	}
	return nil
}

// planFromStdin is the command that takes the values of a release on standard
// input.
func (o *TargetOptions) planFromStdin(key string) string {
	flag := "--operator-values -"
	if key != option.OperatorKey {
		flag = shellquote.Command("--store-values %s", key+"=-")
	}
	if o.BundleFile == "" {
		return "helm aistor plan " + flag
	}
	return shellquote.Command("helm aistor plan --bundle %s ", o.BundleFile) + flag
}

// valuesFiles are the files of each release: those of flags, else those that
// the site names.
func (o *TargetOptions) valuesFiles(site *plan.Site) (map[string][]string, error) {
	files := map[string][]string{option.OperatorKey: o.operatorValues}
	for _, s := range o.storeValues {
		key, file, ok := strings.Cut(s, "=")
		if !ok || !strings.Contains(key, "/") {
			return nil, fmt.Errorf("reading --store-values %q: expected NAMESPACE/NAME=FILE", s)
		}
		files[key] = append(files[key], file)
	}
	if site == nil {
		return files, nil
	}
	if len(o.operatorValues) == 0 && site.Operator.ValuesFile != "" {
		files[option.OperatorKey] = []string{site.Operator.ValuesFile}
	}
	for _, s := range site.ObjectStores {
		if key := s.Namespace + "/" + s.Store; len(files[key]) == 0 && s.ValuesFile != "" {
			files[key] = []string{s.ValuesFile}
		}
	}
	return files, nil
}

// checkKnownStores refuses values for a store that is not on the cluster: they would be
// dropped without a word.
func (o *TargetOptions) checkKnownStores(facts *plan.Facts) error {
	sets, err := o.sets.SplitByRelease()
	if err != nil {
		return err
	}
	var named []string
	for _, s := range o.storeValues {
		key, _, _ := strings.Cut(s, "=")
		named = append(named, key)
	}
	for key := range sets {
		named = append(named, key)
	}
	slices.Sort(named)
	for _, key := range named {
		if key != option.OperatorKey && !slices.ContainsFunc(facts.Stores, func(s plan.Store) bool { return s.Key() == key }) {
			return &planinput.UnknownStoreError{Key: key, Known: planinput.StoreKeys(facts)}
		}
	}
	return nil
}
