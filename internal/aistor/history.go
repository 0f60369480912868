package aistor

import "strings"

// ValueFact is one thing known about a setting over the versions of a chart.
// Facts explain; whether a setting has an effect is found by rendering.
type ValueFact struct {
	Role ChartRole
	// Path is the setting, dotted; "*" stands for one element, and everything
	// below the path is included.
	Path string
	// Since is the first version that knows the setting, empty for the first
	// published one. Until is the first that no longer does, empty for none.
	Since, Until string
	// Fails says that a version outside [Since, Until) refuses to render with
	// the setting, instead of ignoring it.
	Fails bool
	// Deprecated says that versions from Since on still honour it but advise
	// against it.
	Deprecated bool
	// RequiredSince is the first version that does not render without it.
	RequiredSince string
	// Use names what to set instead, or the form that is wanted.
	Use string
	// Why is one sentence for the user.
	Why string
}

// ValuesHistory is everything known about single settings of one chart, in the
// order of the paths. The slice is the caller's own.
func ValuesHistory(role ChartRole) []ValueFact {
	switch role {
	case RoleOperator:
		return operatorHistory()
	case RoleObjectStore:
		return objectStoreHistory()
	default:
		return nil
	}
}

// FactsFor is what is known about one setting, given as its path elements.
func FactsFor(role ChartRole, path []string) []ValueFact {
	var out []ValueFact
	for _, f := range ValuesHistory(role) {
		if matchPath(strings.Split(f.Path, "."), path) {
			out = append(out, f)
		}
	}
	return out
}

// AppliesTo reports whether a version of the chart knows the setting as far as
// this fact goes.
func (f ValueFact) AppliesTo(version string) bool {
	return (f.Since == "" || !VersionBefore(version, f.Since)) && (f.Until == "" || VersionBefore(version, f.Until))
}

func matchPath(pattern, path []string) bool {
	if len(path) < len(pattern) {
		return false
	}
	for i, p := range pattern {
		if p != "*" && p != path[i] {
			return false
		}
	}
	return true
}

func operatorHistory() []ValueFact {
	op := func(f ValueFact) ValueFact { f.Role = RoleOperator; return f }
	return []ValueFact{
		op(ValueFact{Path: "global.fipsMode", Since: "5.10.0", Why: "appends .fips to every tag; refuses digests and untagged images"}),
		op(ValueFact{Path: "global.license", Deprecated: true, Use: "license", Why: "honoured by every version, deprecated since 4.1.0"}),
		op(ValueFact{Path: "global.operator.nodeSelector", Since: "5.6.3"}),
		op(ValueFact{Path: "global.operator.replicas", Since: "5.0.2"}),
		op(ValueFact{Path: "global.operator.tolerations", Since: "5.2.0"}),
		op(ValueFact{Path: "global.operator.watchedNamespaces", Since: "5.7.0"}),
		op(ValueFact{Path: "images.firewall", Until: "5.7.0", Use: "images.minwall", Why: "no published chart renders it; replaced by images.minwall in 5.8.0"}),
		op(ValueFact{Path: "images.minwall", Since: "5.8.0"}),
		op(ValueFact{Path: "images.prompt-llm", Until: "5.1.0"}),
		op(ValueFact{Path: "license", Since: "4.1.0", Use: "global.license", Why: "versions before 4.1.0 read only global.license"}),
		op(ValueFact{Path: "operators.aihub", Deprecated: true, Why: "the controller is deprecated since 5.7.0"}),
		op(ValueFact{Path: "operators.inference", Until: "5.1.0", Why: "the operator, its definition and its objects were removed at 5.1.0"}),
		op(ValueFact{Path: "operators.object-store.enableSTS", Until: "5.2.0", Why: "the STS service was removed at 5.2.0; the object store serves STS itself"}),
		op(ValueFact{Path: "operators.object-store.image", Since: "5.2.0", Use: "images.operator", Why: "a full reference, for the operator and the webhook"}),
		op(ValueFact{Path: "operators.object-store.tokenValidation", Since: "5.5.0"}),
		op(ValueFact{Path: "operators.object-store.webhook", Since: "5.3.0",
			Use: "operators.object-store.webhook: {enabled: true} from 5.4.0, true or false in 5.3.0",
			Why: "a bool in 5.3.0, a map from 5.4.0; each version fails on the other form, except that false works in all"}),
		op(ValueFact{Path: "operators.prompt", Deprecated: true, Why: "the controller is deprecated since 5.7.0"}),
		op(ValueFact{Path: "repositories.minio", Until: "5.4.0", Use: "repositories.aistor", Why: "every image comes through repositories.aistor since 5.4.0"}),
		op(ValueFact{Path: "repositories.prometheus", Until: "5.1.0"}),
		op(ValueFact{Path: "repositories.*.pathPrefix", Why: "a hostname without pathPrefix means no prefix up to 5.4.0 and minio/aistor/ from 5.5.0"}),
	}
}

func objectStoreHistory() []ValueFact {
	os := func(f ValueFact) ValueFact { f.Role = RoleObjectStore; return f }
	return []ValueFact{
		os(ValueFact{Path: "objectStore.disablePodDisruptionBudget", Since: "1.0.16", Why: "needs operator chart 5.9.0"}),
		os(ValueFact{Path: "objectStore.features.bucketDNS", Until: "1.0.9", Fails: true, Use: "environment variable MINIO_DOMAIN"}),
		os(ValueFact{Path: "objectStore.features.domains", Until: "1.0.9", Fails: true, Use: "environment variable MINIO_BROWSER_REDIRECT_URL"}),
		os(ValueFact{Path: "objectStore.features.enableSFTP", Until: "1.0.9", Fails: true, Use: "objectStore.sftp"}),
		os(ValueFact{Path: "objectStore.image.image", Until: "1.0.3", Use: "objectStore.image.repository with a full name, and objectStore.image.tag",
			Why: "the operator chart's form of an image; this chart takes repository and tag"}),
		os(ValueFact{Path: "objectStore.image.digest", Use: "repository: NAME@sha256 with digest: HEX",
			Why: "the chart writes repository:digest, so that sha256: inside the digest gives an invalid reference"}),
		os(ValueFact{Path: "objectStore.legacyAudience", Until: "1.0.10", Fails: true, Why: "remove it"}),
		os(ValueFact{Path: "objectStore.pvcProtection", Since: "1.0.11", Why: "true where the key is missing from all values, as with --reuse-values"}),
		os(ValueFact{Path: "objectStore.rollingTimeoutSeconds", Since: "1.0.8"}),
		os(ValueFact{Path: "objectStore.sidecar", Until: "1.0.3", Use: "images.minio-sidecar in the operator chart's values", Why: "no version has read it"}),
		os(ValueFact{Path: "objectStore.sideCars", Since: "1.0.10"}),
		os(ValueFact{Path: "secrets.accessKey", RequiredSince: "1.0.15", Why: "default credentials were removed in 1.0.15, and minio/minio123 is rejected"}),
		os(ValueFact{Path: "secrets.disableRoot", Since: "1.0.14"}),
		os(ValueFact{Path: "secrets.name", Why: "must equal objectStore.configuration.name, or be empty, since 1.0.14"}),
		os(ValueFact{Path: "secrets.secretKey", RequiredSince: "1.0.15", Why: "default credentials were removed in 1.0.15, and minio/minio123 is rejected"}),
	}
}
