package planinput

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// pinnableImages are the images that the operator gives to object stores.
func pinnableImages() []string {
	return []string{"minio", "minio-sidecar", "kes", "kes-sidecar", "minwall"}
}

// pinStoreImages pins the images that the operator gives to stores, where
// that was asked for. Whether the values do it is proved by rendering.
func (r Request) pinStoreImages(change *plan.Change, c *chart.Chart, render RenderOptionsFunc) error {
	if !r.Options.PinStoreImages || change.Store != "" {
		return nil
	}
	present := plan.DefaultImages(change.Before)
	wanted, err := renderDefaultImages(c, render, change.Values)
	if err != nil {
		return err
	}
	out := values.DeepCopy(change.Values)
	given, _ := out["images"].(map[string]any)
	if given == nil {
		given = map[string]any{}
	}
	out["images"] = given
	var names []string
	for _, name := range pinnableImages() {
		if present[name] == "" || wanted[name] == "" || present[name] == wanted[name] {
			continue
		}
		ref, err := images.ParseRef(present[name])
		if err != nil {
			return fmt.Errorf("pinning image %q: %w", name, err)
		}
		given[name] = pinnedValue(given[name], ref)
		names = append(names, name)
		change.Edits = append(change.Edits, plan.ValueEdit{
			Path: "images." + name, Old: tagOf(wanted[name]), New: ref.Tag + ref.Digest, Why: "--pin-store-images", Requested: true,
		})
	}
	if len(names) == 0 {
		return nil
	}
	if err := verifyPinned(c, render, out, present, names); err != nil {
		return err
	}
	change.Values = out
	change.Warnings = append(change.Warnings, plan.Notice{
		ID: "stores-held", Hint: "upgrade again without --pin-store-images when object stores may restart",
		Message: fmt.Sprintf("object stores keep %s; compatibility with operator %s is not documented", tagOf(present["minio"]), c.Version),
	})
	return nil
}

// verifyPinned renders the values to see that these images stay as they are.
func verifyPinned(c *chart.Chart, render RenderOptionsFunc, v map[string]any, present map[string]string, names []string) error {
	got, err := renderDefaultImages(c, render, v)
	if err != nil {
		return err
	}
	for _, name := range names {
		if got[name] != present[name] {
			return &PinError{Chart: c.ID(), Image: name, Expected: present[name], Received: got[name]}
		}
	}
	return nil
}

// pinnedValue names an image as the values did before: whole where they name it
// whole, else by its repository, whose pull secrets it keeps.
func pinnedValue(before any, ref images.Ref) any {
	if _, whole := before.(string); whole {
		return ref.String()
	}
	image := ref.Base() + ":" + ref.Tag
	if ref.Digest != "" {
		image = ref.Base() + "@" + ref.Digest
	}
	return map[string]any{"repository": "aistor", "image": image}
}

func renderDefaultImages(c *chart.Chart, render RenderOptionsFunc, v map[string]any) (map[string]string, error) {
	out, err := c.Render(render(v))
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", c.ID(), err)
	}
	return plan.DefaultImages(out.PlainObjects()), nil
}

func tagOf(ref string) string {
	r, err := images.ParseRef(ref)
	if err != nil || r.Tag == "" {
		return ref
	}
	return r.Tag
}

// PinError says that a chart's values cannot keep an image as it is.
type PinError struct{ Chart, Image, Expected, Received string }

// Error names the image, what was wanted and what the chart makes of it.
func (e *PinError) Error() string {
	return message.Sprintf("pinning the store image %q: it cannot be set in the values of chart %s\nreceived: %s\nexpected: %s", e.Image, e.Chart, e.Received, e.Expected)
}

// Lines implements [message.Liner].
func (e *PinError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names the way on.
func (*PinError) Hint() string {
	return "omit --pin-store-images and accept the restart with --accept-restart NAMESPACE/NAME"
}
