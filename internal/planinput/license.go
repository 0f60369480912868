package planinput

import (
	"errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// unmanagedLicense reports whether the license is in a Secret that no release owns, and
// the operator's values name none. Put among the values it would make Helm
// stop: it takes over nothing that it did not create.
func (r Request) unmanagedLicense() bool {
	l := r.Facts.License
	return l != nil && l.Present && l.Release == "" && !namesLicense(r.operatorValues())
}

func (r Request) operatorValues() map[string]any {
	switch {
	case r.Operator.UserValues != nil:
		return r.Operator.UserValues
	case r.Facts.Operator != nil:
		return r.Facts.Operator.Values
	}
	return nil
}

func namesLicense(v map[string]any) bool {
	return values.GetString(v, "license") != "" || values.GetString(v, "global", "license") != ""
}

// unmanagedLicenseValue is the license for a Secret that no release owns; nil where
// none was given, or where it is among the operator's values.
func (r Request) unmanagedLicenseValue(operator []plan.Change) (plan.Sensitive, error) {
	if len(r.License) == 0 {
		return nil, nil
	}
	license, err := aistor.ParseLicense(r.License)
	if err != nil {
		return nil, err
	}
	switch {
	case r.unmanagedLicense():
		return plan.Sensitive(license.Token()), nil
	case len(operator) == 0:
		return nil, errors.New("applying the license: it belongs to the operator's release, which this plan does not change")
	}
	return nil, nil
}
