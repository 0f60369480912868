package preflight

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const licenseRemedy = "helm aistor upgrade --license-file FILE"

// checkLicense checks the resulting license: the one the target
// renders, else the one in the Secret. It is decoded, not verified.
func checkLicense(_ context.Context, s *Subject) Result {
	token, k, from := licenseOf(s)
	switch {
	case k.Kind == "" && s.Facts.Operator == nil && hasListGap(s.Facts, "releases", "secrets"):
		return notListed(s.Facts, "releases", "secrets")
	case k.Kind == "" && s.Facts.Operator == nil:
		return skipResult("no operator found")
	case k.Kind == "":
		k = secretKey(s.Facts.Operator.Namespace, aistor.LicenseSecret)
		return Result{Status: Error, Message: k.Label() + ": was not read", Objects: []plan.ObjectKey{k},
			Observed: "unknown", Required: "a license", Remedy: shellquote.Command("kubectl get secret %s -n %s", k.Name, k.Namespace)}
	}
	l, err := aistor.ParseLicense(token)
	var f findings
	switch {
	case errors.Is(err, aistor.ErrNoLicense):
		f.addFailure(k, "%s: contains no license, so object stores would not start or would be read-only", k.Label()).
			setDetails("none", "a license", licenseRemedy)
	case err != nil:
		f.addFailure(k, "license of %s: %s", from, firstLine(err)).setDetails("unreadable", "a token that begins with eyJ", licenseRemedy)
	case l.WasEncoded:
		f.addFailure(k, "license of %s: is base64-encoded, which the operator rejects", from).
			setDetails("base64 (begins with ZXlK)", "the token (begins with eyJ)", "base64 -d < license.base64 > minio.license")
	default:
		evaluateTier(&f, k, l, s.Now)
	}
	r := f.buildResult("%s", tierLine(l, s.Now))
	if l.Plan != "" && err == nil {
		r.Details = append(r.Details, "plan "+l.Plan+", read from "+from)
	}
	return r
}

// licenseOf finds the license with the Secret that holds or will hold it; no
// Secret where none was read.
func licenseOf(s *Subject) (token []byte, k plan.ObjectKey, from string) {
	if s.Inputs != nil && len(s.Inputs.License) > 0 {
		k := secretKey(aistor.DefaultOperatorNamespace, aistor.LicenseSecret)
		if s.Facts.License != nil {
			k.Namespace = s.Facts.License.Namespace
		}
		return s.Inputs.License, k, "--license-file"
	}
	if s.Inputs != nil {
		for _, c := range slices.Backward(s.Inputs.Operator) {
			if o := images.FindObject(c.After, "Secret", aistor.LicenseSecret); o != nil {
				return renderedLicense(o), secretKey(c.Namespace, aistor.LicenseSecret), "the values of release " + c.Key()
			}
		}
	}
	if l := s.Facts.License; l != nil {
		k := secretKey(l.Namespace, aistor.LicenseSecret)
		return l.Token, k, k.Label()
	}
	return nil, plan.ObjectKey{}, ""
}

func renderedLicense(o images.Object) []byte {
	if plain := images.NestedString(o, "stringData", aistor.LicenseSecretKey); plain != "" {
		return []byte(plain)
	}
	b, err := base64.StdEncoding.DecodeString(images.NestedString(o, "data", aistor.LicenseSecretKey))
	if err != nil {
		return nil
	}
	return b
}

func evaluateTier(f *findings, k plan.ObjectKey, l aistor.License, now time.Time) {
	status := Fail
	switch l.Tier(now) {
	case aistor.TierUnlimited, aistor.TierValid:
		return
	case aistor.TierWarning:
		status = Warn
	}
	f.addFinding(status, k, "%s", tierLine(l, now)).
		setDetails(l.ExpiresAt.UTC().Format(time.DateOnly), "more than 30 days from now", licenseRemedy)
}

func tierLine(l aistor.License, now time.Time) string {
	if l.ExpiresAt.IsZero() {
		return "the license has no expiry"
	}
	day := l.ExpiresAt.UTC().Format(time.DateOnly)
	days := int(l.ExpiresAt.Sub(now) / (24 * time.Hour))
	if days >= 0 && l.ExpiresAt.After(now) {
		return fmt.Sprintf("the license is valid until %s, %s from now", day, plural.Count(days, "day"))
	}
	line := fmt.Sprintf("the license expired on %s, %s ago", day, plural.Count(-days, "day"))
	if l.Tier(now) == aistor.TierGrace {
		return fmt.Sprintf("%s: object stores become read-only %d days after that day", line, 30)
	}
	return line + ": " + string(l.Tier(now))
}
