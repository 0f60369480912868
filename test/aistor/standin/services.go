package standin

// DesiredServices returns the store's Services: S3, console and headless.
func DesiredServices(store Object) []Object {
	scheme, s3, console := "https", 443, 9443
	if !encrypted(store) {
		scheme, s3, console = "http", 80, 9090
	}
	wish := func(which string) Object { return store.Map("spec", "services", which) }
	headless := service(store, store.Name()+"-hl", Object{}, scheme+"-minio", 9000, 9000)
	headless.Map("spec")["clusterIP"] = "None"
	headless.Map("spec")["publishNotReadyAddresses"] = true
	all := []Object{
		service(store, or(wish("minio").Text("name"), "minio"), wish("minio"), scheme+"-minio", s3, 9000),
		service(store, or(wish("console").Text("name"), store.Name()+"-console"), wish("console"), scheme+"-console", console, console),
		headless,
	}
	for i := range all {
		all[i].Annotate(serviceKey, hash(all[i]["spec"]))
		all[i] = all[i].Copy()
	}
	return all
}

func service(store Object, name string, wish Object, portName string, port, target int) Object {
	entry := map[string]any{"name": portName, "port": port, "targetPort": target}
	if node := wish.Number("nodePort"); node > 0 {
		entry["nodePort"] = node
	}
	spec := map[string]any{"type": or(wish.Text("serviceType"), "ClusterIP"), "selector": map[string]any{tenantLabel: store.Name()}, "ports": []any{entry}}
	if traffic := wish.Text("serviceExternalTrafficPolicy"); traffic != "" {
		spec["externalTrafficPolicy"] = traffic
	}
	labels := map[string]any{tenantLabel: store.Name()}
	for k, v := range wish.Map("labels") {
		labels[k] = v
	}
	annotations := map[string]any{}
	for k, v := range wish.Map("annotations") {
		annotations[k] = v
	}
	return Object{
		"apiVersion": "v1", "kind": "Service", "spec": spec,
		"metadata": map[string]any{"name": name, "namespace": store.Namespace(), "labels": labels, "annotations": annotations, "ownerReferences": owner(store)},
	}
}

// DesiredBudget returns the store's PodDisruptionBudget, or nil where it is
// switched off. The real one's numbers were never seen.
func DesiredBudget(store Object) Object {
	if store.Bool("spec", "disablePodDisruptionBudget") {
		return nil
	}
	return Object{
		"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
		"metadata": map[string]any{"name": store.Name() + "-pdb", "namespace": store.Namespace(), "ownerReferences": owner(store)},
		"spec":     map[string]any{"maxUnavailable": 1, "selector": map[string]any{"matchLabels": map[string]any{tenantLabel: store.Name()}}},
	}
}

// DesiredKES returns the Deployment for spec.kes, or nil where there is none.
func DesiredKES(store Object, config Config) Object {
	kes := store.Map("spec", "kes")
	if len(kes) == 0 {
		return nil
	}
	name := store.Name() + "-kes"
	labels := map[string]any{"v1.min.io/kes": name}
	spec := map[string]any{"containers": []any{
		map[string]any{"name": "kes", "image": or(kes.Text("image"), config["kes"].Image), "args": []any{"server"}},
		map[string]any{"name": "sidecar", "image": config["kes-sidecar"].Image, "args": []any{"sidecar"}},
	}}
	if secrets := pullSecrets(store, config); len(secrets) > 0 {
		spec["imagePullSecrets"] = secrets
	}
	template := map[string]any{"metadata": map[string]any{"labels": labels}, "spec": spec}
	return Object{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": name, "namespace": store.Namespace(), "labels": labels, "ownerReferences": owner(store),
			"annotations": map[string]any{templateKey: hash(template)}},
		"spec": map[string]any{"replicas": max(kes.Number("replicas"), 1), "selector": map[string]any{"matchLabels": labels}, "template": template},
	}.Copy()
}
