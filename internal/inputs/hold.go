package inputs

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// held are the images that the operator gives to object stores.
func held() []string { return []string{"minio", "minio-sidecar", "kes", "kes-sidecar", "minwall"} }

// hold keeps the images that the operator gives to stores as they are, where
// that was asked for. Whether the values do it is proved by rendering.
func (r Request) hold(change *plan.Change, c *chart.Chart, render Options) error {
	if !r.Options.HoldStores || change.Store != "" {
		return nil
	}
	present := plan.DefaultImages(change.Before)
	wanted, err := defaultsOf(c, render, change.Values)
	if err != nil {
		return err
	}
	out := values.Copy(change.Values)
	given, _ := out["images"].(map[string]any)
	if given == nil {
		given = map[string]any{}
	}
	out["images"] = given
	var names []string
	for _, name := range held() {
		if present[name] == "" || wanted[name] == "" || present[name] == wanted[name] {
			continue
		}
		ref, err := images.ParseRef(present[name])
		if err != nil {
			return fmt.Errorf("holding image %q: %w", name, err)
		}
		given[name] = heldValue(given[name], ref)
		names = append(names, name)
		change.Edits = append(change.Edits, plan.ValueEdit{
			Path: "images." + name, Old: tagOf(wanted[name]), New: ref.Tag + ref.Digest, Why: "--hold-stores", Asked: true,
		})
	}
	if len(names) == 0 {
		return nil
	}
	if err := proveHeld(c, render, out, present, names); err != nil {
		return err
	}
	change.Values = out
	change.Warnings = append(change.Warnings, plan.Notice{
		ID: "stores-held", Hint: "upgrade again without --hold-stores when the stores may restart",
		Message: fmt.Sprintf("object stores keep %s; whether operator %s works with it is not published", tagOf(present["minio"]), c.Version),
	})
	return nil
}

// proveHeld renders the values to see that these images stay as they are.
func proveHeld(c *chart.Chart, render Options, v map[string]any, present map[string]string, names []string) error {
	got, err := defaultsOf(c, render, v)
	if err != nil {
		return err
	}
	for _, name := range names {
		if got[name] != present[name] {
			return &HoldError{Chart: c.ID(), Image: name, Wanted: present[name], Got: got[name]}
		}
	}
	return nil
}

// heldValue names an image as the values did before: whole where they name it
// whole, else by its repository, whose pull secrets it keeps.
func heldValue(before any, ref images.Ref) any {
	if _, whole := before.(string); whole {
		return ref.String()
	}
	image := ref.Base() + ":" + ref.Tag
	if ref.Digest != "" {
		image = ref.Base() + "@" + ref.Digest
	}
	return map[string]any{"repository": "aistor", "image": image}
}

func defaultsOf(c *chart.Chart, render Options, v map[string]any) (map[string]string, error) {
	out, err := c.Render(render(v))
	if err != nil {
		return nil, fmt.Errorf("rendering %s: %w", c.ID(), err)
	}
	return plan.DefaultImages(out.Plain()), nil
}

func tagOf(ref string) string {
	r, err := images.ParseRef(ref)
	if err != nil || r.Tag == "" {
		return ref
	}
	return r.Tag
}

// HoldError says that a chart's values can't keep an image as it is.
type HoldError struct{ Chart, Image, Wanted, Got string }

// Error names the image, what was wanted and what the chart makes of it.
func (e *HoldError) Error() string {
	return message.Sprintf("holding the stores' image %q: the values of chart %s do not decide it\nreceived: %s\nexpected: %s", e.Image, e.Chart, e.Got, e.Wanted)
}

// Lines implements [message.Liner].
func (e *HoldError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint names the way on.
func (*HoldError) Hint() string {
	return "leave out --hold-stores and accept the restart with --accept-restart NAMESPACE/NAME"
}
