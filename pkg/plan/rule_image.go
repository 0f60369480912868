package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func privateReferencesRule() Rule {
	return Rule{ID: "references-private", Title: "Private references", Notices: []string{"public-reference"}, Evaluate: evaluateReferences,
		Inspects:  "every image reference that the target renders, also those nested in ConfigMaps",
		FailsWhen: "an image reference is outside the private registry; a warning for features that are not enabled, and for rollbacks"}
}

func evaluateReferences(in Inputs, _ *Plan) Verdict {
	if in.Registry.KeepsReferences() {
		return Verdict{Skipped: "references stay public: the nodes' runtime redirects them"}
	}
	var v Verdict
	count := 0
	for _, c := range in.orderedChanges() {
		for _, img := range c.Images {
			count += len(img.Reasons)
			if !in.Registry.Owns(img.Ref) {
				v.addPublicReference(in, c, img)
			}
		}
	}
	v.Passed = fmt.Sprintf("all %d rendered references are in %s", count, in.Registry.Registry)
	return v
}

func (v *Verdict) addPublicReference(in Inputs, c Change, img images.Image) {
	severity, note := SeverityRefuse, ""
	switch required := slices.ContainsFunc(img.Reasons, func(r images.Reason) bool { return r.Kind.IsRequired() }); {
	case in.isRollback():
		severity, note = SeverityWarn, ", as in the target revision"
	case !required:
		severity, note = SeverityWarn, " (only if its feature is enabled)"
	}
	k := objectOfReasons(img.Reasons, c.Namespace)
	v.add(severity, "public-reference", k, "image %s: pulled from outside the private registry%s; referenced by %s", img.Ref, note, reasonText(img.Reasons)).
		setDetails(img.Ref.String(), in.Registry.Map(img.Ref).String(), "helm aistor values")
}

// objectOfReasons is the first object that references an image.
func objectOfReasons(reasons []images.Reason, namespace string) ObjectKey {
	for _, r := range reasons {
		kind, key, found := strings.Cut(r.Object, "/")
		if !found {
			continue
		}
		if !strings.Contains(key, "/") && !clusterScoped[kind] {
			key = namespace + "/" + key
		}
		return objectIn(kind, key)
	}
	return ObjectKey{}
}

// reasonText names the objects and fields that reference an image.
func reasonText(reasons []images.Reason) string {
	var list []string
	for _, r := range reasons {
		if one := strings.TrimSpace(r.Object + " " + r.Path); one != "" && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return "the values"
	}
	return strings.Join(list, ", ")
}

// ReferencedBy names the objects and fields that reference the image.
func (p PlannedImage) ReferencedBy() string { return reasonText(p.Reasons) }

// ObjectKey is the object that stands for the image in findings.
func (p PlannedImage) ObjectKey() ObjectKey {
	return ObjectKey{Kind: "Image", Name: p.Private.String()}
}

func bundleRule() Rule {
	return Rule{ID: "bundle-complete", Title: "Bundle complete", Notices: []string{"image-not-in-bundle"}, WithPlan: true, Evaluate: evaluateBundle,
		Inspects:  "every image that the target pulls compared with the bundle's",
		FailsWhen: "an image is missing in the bundle; a warning for images from user settings only"}
}

// evaluateBundle compares what the target pulls with what the bundle contains.
func evaluateBundle(in Inputs, p *Plan) Verdict {
	if p.Bundle.Digest == "" {
		return Verdict{Skipped: "no bundle: images must exist in the registry"}
	}
	var v Verdict
	carried, pinned := 0, in.pinnedImages()
	for _, img := range p.Images {
		switch by := img.ReferencedBy(); {
		case img.Digest != "":
			carried++
		case !img.IsRequired():
			v.addNote("%s is not in the bundle; it is pulled only if its feature is enabled", img.Source)
		case pinned[img.Private.String()]:
			v.addNote("%s is pinned and not in the bundle: checked in the registry", img.Private)
		case img.fromUserSettings():
			v.add(SeverityWarn, "image-not-in-bundle", img.ObjectKey(), "image %s: referenced by %s and not in the bundle, so it must exist in the registry", img.Source, by).
				setDetails("not in the bundle", img.Private.String(), "helm aistor bundle create --image "+img.Source.String())
		default:
			v.add(SeverityFail, "image-not-in-bundle", img.ObjectKey(), "image %s: referenced by %s and not in the bundle", img.Source, by).
				setDetails("not in "+in.Bundle.Name, img.Source.String(), "helm aistor bundle create --image "+img.Source.String())
		}
	}
	v.Passed = fmt.Sprintf("the bundle contains all %s required", plural.Count(carried, "image"))
	return v
}

// pinnedImages are those that the operator gives to stores now and keeps giving: no
// bundle for a newer operator contains them.
func (in Inputs) pinnedImages() map[string]bool {
	m := map[string]bool{}
	if in.Options.PinStoreImages && len(in.Operator) > 0 {
		for _, ref := range DefaultImages(in.Operator[0].Before) {
			m[ref] = true
		}
	}
	return m
}

// fromUserSettings reports whether nothing but the user's own settings asks for the
// image, which then may be of the site's own making.
func (p PlannedImage) fromUserSettings() bool {
	return !slices.ContainsFunc(p.Reasons, func(r images.Reason) bool {
		return r.Kind == images.KindDefault || r.Kind == images.KindHook
	})
}

func pinnedImageRule() Rule {
	return Rule{ID: "image-pinned", Notices: []string{"image-pinned"}, Evaluate: func(in Inputs, _ *Plan) Verdict {
		var v Verdict
		for _, c := range in.Stores {
			o := images.FindObject(c.After, aistor.KindObjectStore, c.Store)
			pinned, older := olderThanDefault(images.NestedString(o, "spec", "image"), in.currentDefaults()[aistor.ContainerMinIO])
			if older && c.Revision == 0 {
				v.add(SeverityWarn, "image-pinned", storeKey(c.StoreKey()), "%s pins image %s, older than the operator's default", c.StoreKey(), pinned).
					setDetails("", "", "--image-only or the values' objectStore.image")
			}
		}
		return v
	}}
}

func olderThanDefault(own, def string) (string, bool) {
	a, errA := aistor.ParseServerVersion(tagOf(own))
	b, errB := aistor.ParseServerVersion(tagOf(def))
	return tagOf(own), own != "" && errA == nil && errB == nil && a.Compare(b) < 0
}
