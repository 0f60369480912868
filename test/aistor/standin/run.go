package standin

import (
	"context"
	"fmt"
	"net/http"
)

// run is one check one object store.
type run struct {
	*Operator
	store    Object
	config   Config
	switches Switches

	sets map[string]Object
	pods []Object
	// busy is set where a rollout continues, created where a StatefulSet was missing.
	busy, created bool
}

func (r *run) reconcile(ctx context.Context) error {
	if r.store.Text("metadata", "deletionTimestamp") != "" {
		return nil
	}
	for _, step := range []func(context.Context) error{r.secrets, r.services, r.look, r.statefulSets, r.rollout, r.extras, r.status} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look reads what there is of the store.
func (r *run) look(ctx context.Context) error {
	namespace, selector := r.store.Namespace(), tenantLabel+"="+r.store.Name()
	sets, err := r.Client.List(ctx, Path("apps/v1", namespace, "statefulsets"), "labelSelector", selector)
	if err != nil {
		return err
	}
	r.sets = map[string]Object{}
	for _, set := range sets {
		r.sets[set.Name()] = set
	}
	r.pods, err = r.Client.List(ctx, Path("v1", namespace, "pods"), "labelSelector", selector)
	return err
}

// secrets brings the license, and where switched on the pull secrets, into the
// store's namespace.
func (r *run) secrets(ctx context.Context) error {
	if r.store.Namespace() == r.Namespace {
		return nil
	}
	names := []string{"minio-license"}
	if r.switches.CopyPullSecrets {
		names = append(names, r.config.PullSecrets("minio", "minio-sidecar", "kes", "kes-sidecar", "minwall")...)
	}
	for _, name := range names {
		if err := r.copySecret(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) copySecret(ctx context.Context, name string) error {
	from, err := r.Client.Get(ctx, Path("v1", r.Namespace, "secrets", name))
	if hasCode(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	wanted := Object{"apiVersion": "v1", "kind": "Secret", "type": from["type"], "data": from["data"],
		"metadata": map[string]any{"name": name, "namespace": r.store.Namespace()}}
	to, err := r.Client.Get(ctx, Path("v1", r.store.Namespace(), "secrets", name))
	if hasCode(err, http.StatusNotFound) {
		r.logf("copying Secret %s to %s", name, r.store.Namespace())
		return r.Client.Create(ctx, Path("v1", r.store.Namespace(), "secrets"), wanted)
	}
	if err != nil || hash(to["data"]) == hash(from["data"]) {
		return err
	}
	to["data"] = from["data"]
	return r.Client.Update(ctx, Path("v1", r.store.Namespace(), "secrets", name), to)
}

func (r *run) services(ctx context.Context) error {
	collection := Path("v1", r.store.Namespace(), "services")
	existing, err := r.Client.List(ctx, collection)
	if err != nil {
		return err
	}
	have := map[string]Object{}
	for _, s := range existing {
		have[s.Name()] = s
	}
	for _, wanted := range DesiredServices(r.store) {
		current, ok := have[wanted.Name()]
		switch {
		case !ok:
			r.logf("creating Service %s/%s", r.store.Namespace(), wanted.Name())
			err = r.Client.Create(ctx, collection, wanted)
		case current.Annotation(serviceKey) == "":
			err = fmt.Errorf("service %q is there already and not the operator's", wanted.Name())
		case current.Annotation(serviceKey) != wanted.Annotation(serviceKey):
			for key, value := range wanted.Map("spec") {
				current.Map("spec")[key] = value
			}
			current.Annotate(serviceKey, wanted.Annotation(serviceKey))
			err = r.Client.Update(ctx, collection+"/"+wanted.Name(), current)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// extras makes what stands beside the pools: the budget and KES.
func (r *run) extras(ctx context.Context) error {
	for collection, wanted := range map[string]Object{
		Path("policy/v1", r.store.Namespace(), "poddisruptionbudgets"): DesiredBudget(r.store),
		Path("apps/v1", r.store.Namespace(), "deployments"):            DesiredKES(r.store, r.config),
	} {
		if wanted == nil {
			continue
		}
		if err := r.ensure(ctx, collection, wanted); err != nil {
			return err
		}
	}
	return nil
}

// ensure creates the object, or gives it a new pod template.
func (r *run) ensure(ctx context.Context, collection string, wanted Object) error {
	existing, err := r.Client.List(ctx, collection, "fieldSelector", "metadata.name="+wanted.Name())
	if err != nil {
		return err
	}
	if len(existing) == 0 {
		r.logf("creating %s %s/%s", wanted.Text("kind"), r.store.Namespace(), wanted.Name())
		return r.Client.Create(ctx, collection, wanted)
	}
	current := existing[0]
	if current.Annotation(templateKey) == wanted.Annotation(templateKey) {
		return nil
	}
	current["spec"] = wanted["spec"]
	current.Annotate(templateKey, wanted.Annotation(templateKey))
	return r.Client.Update(ctx, collection+"/"+wanted.Name(), current)
}
