package standin

import "fmt"

// What the stand-in writes on StatefulSets: the digest of the pod template it
// made, the digest of the ObjectStore it made it from, how the current template
// is rolled out, and when.
const (
	templateKey = "standin.aistor.min.io/template"
	storeKey    = "standin.aistor.min.io/store"
	rolloutKey  = "standin.aistor.min.io/rollout"
	rolledKey   = "standin.aistor.min.io/rolled-at"
	serviceKey  = "standin.aistor.min.io/service"
)

// Selector labels of an object store's pods.
const (
	tenantLabel = "v1.min.io/tenant"
	poolLabel   = "v1.min.io/pool"
)

// StatefulSetName returns the name of a pool's StatefulSet.
func StatefulSetName(store, pool string) string { return store + "-" + pool }

// encrypted reports whether the store serves TLS.
func encrypted(store Object) bool { return !store.Bool("spec", "certificates", "disableAutoCert") }

// DesiredStatefulSet returns the StatefulSet for one pool of the store. It
// depends on nothing else, so the same arguments give the same digest.
func DesiredStatefulSet(store, pool Object, config Config, switches Switches) Object {
	name := StatefulSetName(store.Name(), pool.Text("name"))
	selector := map[string]any{tenantLabel: store.Name(), poolLabel: pool.Text("name")}
	template := podTemplate(store, pool, config)
	set := Object{
		"apiVersion": "apps/v1", "kind": "StatefulSet",
		"metadata": map[string]any{
			"name": name, "namespace": store.Namespace(), "labels": selector,
			"ownerReferences": owner(store),
			"annotations":     map[string]any{templateKey: hash(template), storeKey: storeHash(store)},
		},
		"spec": map[string]any{
			"replicas": pool.Number("servers"), "serviceName": store.Name() + "-hl",
			"podManagementPolicy": or(store.Text("spec", "podManagementPolicy"), "Parallel"),
			"selector":            map[string]any{"matchLabels": selector},
			"updateStrategy":      updateStrategy(switches.UpdateStrategy),
			"template":            template, "volumeClaimTemplates": claims(pool),
		},
	}
	return set.Copy()
}

// updateStrategy names the partition that it has anyhow: without it the
// StatefulSet's controller gives a pod its old revision again while its own
// count of old pods lags behind, so that many deleted at once come back as they
// were.
func updateStrategy(kind string) map[string]any {
	strategy := map[string]any{"type": kind}
	if kind == "RollingUpdate" {
		strategy["rollingUpdate"] = map[string]any{"partition": 0}
	}
	return strategy
}

// storeHash tells one wish of the store's owner from the next; status and the
// rest of metadata are not part of it.
func storeHash(store Object) string {
	return hash([]any{store.At("spec"), store.At("scheduler"), store.Annotation("aistor.min.io/helm-chart-version")})
}

func owner(store Object) []any {
	return []any{map[string]any{
		"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "name": store.Name(), "uid": store.Text("metadata", "uid"),
		"controller": true, "blockOwnerDeletion": true,
	}}
}

func podTemplate(store, pool Object, config Config) map[string]any {
	labels := map[string]any{
		tenantLabel: store.Name(), poolLabel: pool.Text("name"), "v1.min.io/console": store.Name() + "-console",
		"aistor.min.io/objectStore": store.Name(),
	}
	for k, v := range pool.Map("labels") {
		labels[k] = v
	}
	// The webhook selects these pods alone.
	if pool.Bool("spreadZoneConfig", "enabled") {
		labels["aistor.min.io/spreadZoneAware"] = "true"
	}
	return map[string]any{
		"metadata": map[string]any{"labels": labels, "annotations": map[string]any(pool.Map("annotations"))},
		"spec":     podSpec(store, pool, config),
	}
}

func podSpec(store, pool Object, config Config) map[string]any {
	sidecar := config["minio-sidecar"]
	containers := []any{minio(store, pool, config["minio"]), map[string]any{
		"name": "sidecar", "image": sidecar.Image, "args": []any{"sidecar", "--store", store.Name()}, "env": anyList(sidecar.Env),
		"imagePullPolicy": policy(store, sidecar),
	}}
	if firewall := firewall(store, config); firewall != nil {
		containers = append(containers, firewall)
	}
	spec := map[string]any{
		"serviceAccountName": or(store.Text("spec", "serviceAccountName"), store.Name()+"-sa"),
		"containers":         appendObjects(containers, store.List("spec", "sideCars", "containers")),
		"initContainers": appendObjects([]any{map[string]any{
			"name": "validate-arguments", "image": sidecar.Image, "args": []any{"validate"}, "imagePullPolicy": policy(store, sidecar),
		}}, store.List("spec", "initContainers")),
		"volumes": appendObjects(appendObjects([]any{}, store.List("spec", "additionalVolumes")), store.List("spec", "sideCars", "volumes")),
	}
	if secrets := pullSecrets(store, config); len(secrets) > 0 {
		spec["imagePullSecrets"] = secrets
	}
	if scheduler := store.Text("scheduler", "name"); scheduler != "" {
		spec["schedulerName"] = scheduler
	}
	if class := store.Text("spec", "priorityClassName"); class != "" {
		spec["priorityClassName"] = class
	}
	for _, key := range []string{"affinity", "nodeSelector", "tolerations", "topologySpreadConstraints", "securityContext", "runtimeClassName"} {
		if value := pool.At(key); value != nil {
			spec[key] = value
		}
	}
	return spec
}

// minio returns the server's container.
func minio(store, pool Object, image ImageConfig) map[string]any {
	scheme, console := "HTTP", ":9090"
	args := []any{"server", "--address", ":9000"}
	if encrypted(store) {
		scheme, console = "HTTPS", ":9443"
		args = append(args, "--certs-dir", "/tmp/certs")
	}
	probe := func(path string) map[string]any {
		return map[string]any{"httpGet": map[string]any{"path": path, "port": 9000, "scheme": scheme}, "periodSeconds": 5}
	}
	container := map[string]any{
		"name": "minio", "image": or(store.Text("spec", "image"), image.Image), "imagePullPolicy": policy(store, image),
		"args": append(args, "--console-address", console), "env": appendObjects(anyList(image.Env), store.List("spec", "env")),
		"ports":         []any{map[string]any{"name": "s3", "containerPort": 9000}, map[string]any{"name": "console", "containerPort": port(console)}},
		"livenessProbe": probe("/minio/health/live"), "readinessProbe": probe("/minio/health/ready"),
		"volumeMounts": appendObjects(mounts(store, pool), store.List("spec", "additionalVolumeMounts")),
	}
	for from, to := range map[string]string{"liveness": "livenessProbe", "readiness": "readinessProbe", "startup": "startupProbe", "lifecycle": "lifecycle"} {
		if value := store.Map("spec", from); len(value) > 0 {
			container[to] = value
		}
	}
	if value := pool.At("resources"); value != nil {
		container["resources"] = value
	}
	if value := pool.At("containerSecurityContext"); value != nil {
		container["securityContext"] = value
	}
	return container
}

func port(address string) int {
	if address == ":9443" {
		return 9443
	}
	return 9090
}

// firewall returns the container of spec.firewall, or nil. Where the real
// operator puts it was never seen.
func firewall(store Object, config Config) map[string]any {
	image := or(store.Text("spec", "firewall", "image"), config["minwall"].Image)
	if !store.Bool("spec", "firewall", "enabled") || image == "" {
		return nil
	}
	return map[string]any{"name": "firewall", "image": image, "imagePullPolicy": or(store.Text("spec", "firewall", "imagePullPolicy"), "IfNotPresent")}
}

func pullSecrets(store Object, config Config) []any {
	names := config.PullSecrets("minio", "minio-sidecar")
	if own := store.Text("spec", "imagePullSecret", "name"); own != "" {
		names = append([]string{own}, names...)
	}
	var out []any
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			out = append(out, map[string]any{"name": name})
		}
	}
	return out
}

func policy(store Object, image ImageConfig) string {
	return or(store.Text("spec", "imagePullPolicy"), image.ImagePullPolicy, "IfNotPresent")
}

func claimName(pool Object, i int) string {
	return fmt.Sprintf("%s%d", or(pool.Text("volumeClaimTemplate", "metadata", "name"), "data"), i)
}

func claims(pool Object) []any {
	var out []any
	for i := range pool.Number("volumesPerServer") {
		meta := map[string]any{"name": claimName(pool, i)}
		if annotations := pool.Map("volumeClaimTemplate", "metadata", "annotations"); len(annotations) > 0 {
			meta["annotations"] = annotations
		}
		out = append(out, map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": pool.At("volumeClaimTemplate", "spec")})
	}
	return out
}

func mounts(store, pool Object) []any {
	path, count := or(store.Text("spec", "mountPath"), "/export"), pool.Number("volumesPerServer")
	out := []any{}
	for i := range count {
		at := path
		if count > 1 {
			at = fmt.Sprintf("%s%d", path, i)
		}
		out = append(out, map[string]any{"name": claimName(pool, i), "mountPath": at})
	}
	return out
}

func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func anyList(maps []map[string]any) []any {
	out := []any{}
	for _, m := range maps {
		out = append(out, m)
	}
	return out
}

func appendObjects(to []any, more []Object) []any {
	for _, o := range more {
		to = append(to, map[string]any(o))
	}
	return to
}
