package preflight

import "slices"

// PreUpgradeChecks are the checks of a preflight: first those that need no registry
// (phase A), then those that ask it (phase B). The order is the order of the
// report.
func PreUpgradeChecks() []Check {
	return slices.Concat(clusterChecks(), releaseChecks(), healthChecks(), chartChecks(), dryRunChecks(), upgradePathChecks(), imageChecks(), registryChecks())
}

// FilterByPhase are the checks of one phase, in their order.
func FilterByPhase(checks []Check, phase Phase) []Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.Phase != phase })
}

func clusterChecks() []Check {
	return []Check{
		{ID: "cluster-reachable", Title: "Cluster reachable", Phase: PhaseA, Run: checkReachable,
			Inspects:  "the API server's version and the current user",
			FailsWhen: "the API server does not respond"},
		{ID: "cluster-version", Title: "Kubernetes version", Phase: PhaseA, Run: checkVersion,
			Inspects:  "the API server's version, and the one the plan was made for",
			FailsWhen: "the server is older than " + minimumServerVersion + "; a warning if the plan was made for another version"},
		{ID: "cluster-same", Title: "Cluster of the plan", Phase: PhaseA, Run: checkSameCluster,
			Inspects:  "the uid of namespace kube-system",
			FailsWhen: "the plan was made for another cluster"},
		{ID: "permissions", Title: "Permissions", Phase: PhaseA, Run: checkPermissions,
			Inspects:  "all permissions that the plan needs: for the objects Helm writes, its release Secrets, the lease, the journal and watches; and every read that was denied",
			FailsWhen: "a permission is missing; an error if a read was denied or a permission could not be reviewed; a warning if roles can be granted only by holding their permissions"},
		{ID: "nodes-ready", Title: "Nodes ready", Phase: PhaseA, Run: checkNodes, Needs: []string{"nodes"},
			Inspects:  "each node's readiness, and whether it is cordoned",
			FailsWhen: "a node that runs AIStor is not ready; a warning for other nodes and for cordoned ones"},
	}
}

func releaseChecks() []Check {
	return []Check{
		{ID: "releases-found", Title: "Releases found", Phase: PhaseA, Run: checkReleasesFound, Needs: []string{"releases", "objectstores"},
			Inspects:  "the Helm releases of the operator and of every object store, whatever their names",
			FailsWhen: "the operator's release is missing, or one that the plan upgrades; a warning for object stores without a release, and for another operator elsewhere"},
		{ID: "releases-settled", Title: "Releases settled", Phase: PhaseA, Run: checkReleaseStatus, Needs: []string{"releases"},
			Inspects:  "the status of each release's newest revision",
			FailsWhen: "a release is pending or failed, or another Helm operation may be in progress; a warning if this upgrade resolves it"},
		{ID: "releases-helm4", Title: "Applied by Helm 3 or 4", Phase: PhaseA, Run: checkHelm4, Needs: []string{"releases"},
			Inspects:  "how each release's newest revision was applied",
			FailsWhen: "never: both Helm versions accept either; the result is informational"},
		{ID: "release-size", Title: "Release records", Phase: PhaseA, Run: checkReleaseSize, Needs: []string{"releases"},
			Inspects:  "the size of each release Secret and of the one that Helm will write: chart, values and manifest",
			FailsWhen: "a record to be written is larger than the 1 MiB that a Secret can hold; a warning from 90 % on"},
		ruleCheck("gitops-owners"),
	}
}

func healthChecks() []Check {
	return []Check{
		volumesKeptCheck(PhaseA),
		deletionCheck(PhaseA),
		volumesBoundCheck(PhaseA),
		warnIfInterrupted(Check{ID: "workloads-healthy", Title: "Workloads", Phase: PhaseA, Run: checkWorkloads,
			Needs:     []string{"pods", "deployments", "statefulsets"},
			Inspects:  "deployments, stateful sets, and pods with their containers",
			FailsWhen: "a pod is not ready, each with its cause; a warning for many restarts and terminating pods"}),
		warnIfInterrupted(Check{ID: "stores-healthy", Title: "Object stores", Phase: PhaseA, Run: checkStores, Needs: []string{"objectstores"},
			Inspects:  "each object store's health, drives and pools",
			FailsWhen: "a store is not green, a drive is offline or healing, or a pool is not initialized"}),
		warnIfInterrupted(Check{ID: "operator-service", Title: "Operator's Service", Phase: PhaseA, Run: checkOperatorService,
			Needs:     []string{"services", "endpointslices"},
			Inspects:  "Service object-store-operator, from which servers fetch their update",
			FailsWhen: "it is missing, lacks port 4221 or has no ready endpoint"}),
		warnIfInterrupted(webhookCheck(PhaseA)),
		{ID: "cluster-warnings", Title: "Warnings", Phase: PhaseA, Run: checkWarnings, Needs: []string{"events"},
			Inspects:  "recent warning events about AIStor's objects",
			FailsWhen: "never: events are reported as warnings"},
		{ID: "budgets", Title: "Disruption budgets", Phase: PhaseA, Run: checkDisruptionBudgets, Needs: []string{"poddisruptionbudgets"},
			Inspects:  "the pod disruption budgets of the object stores",
			FailsWhen: "never: a budget that allows no eviction now is a warning"},
	}
}

func webhookCheck(phase Phase) Check {
	return Check{ID: "webhook-ready", Title: "Pod webhook", Phase: phase, Transient: true, Run: checkWebhook,
		Needs:     []string{"mutatingwebhookconfigurations"},
		Inspects:  "the mutating webhooks of AIStor: certificate and endpoints",
		FailsWhen: "the caBundle is empty or the Service has no endpoint, so that new pods would be refused; a warning if failures are ignored"}
}

func chartChecks() []Check {
	return []Check{
		{ID: "roleref-immutable", Title: "Binding roles", Phase: PhaseA, WithInputs: true, Run: checkRoleRefs,
			Needs:     []string{"clusterrolebindings", "rolebindings"},
			Inspects:  "the role of each live binding compared with the rendered ones, chart by chart",
			FailsWhen: "a chart changes a binding's immutable roleRef, and no step or intermediate version removes the binding first"},
		ruleCheck("ownership"),
		ruleCheck("crd-removal"),
		ruleCheck("license-removal"),
		ruleCheck("crd-fields"),
		{ID: idValues, Title: "Values valid", Phase: PhaseA, WithInputs: true, Run: checkValues, Needs: []string{"objectstores", "customresourcedefinitions"},
			Inspects:  "each object store as installed and as planned, and every other rendered custom resource, against types, bounds, enumerations and rules of the CRDs of every chart in the plan; the stored versions",
			FailsWhen: "a CRD rejects a value or lacks a stored version; an error if only the server can evaluate a new rule; a warning if the store's own upgrade corrects the value"},
		{ID: "operator-image", Title: "Operator's image", Phase: PhaseA, WithInputs: true, Run: checkOperatorImage,
			Inspects:  "the rendered operator image compared with the chart's release",
			FailsWhen: "a pin in the values keeps another operator under the new chart"},
		ruleCheck("credentials-kept"),
		{ID: "license", Title: "License", Phase: PhaseA, Run: checkLicense,
			Inspects:  "the resulting license: format and expiry, unverified",
			FailsWhen: "it is missing, not a token or expired; a warning in the last 30 days"},
	}
}

func upgradePathChecks() []Check {
	return []Check{
		ruleCheck("order"),
		ruleCheck("downgrade"),
		ruleCheck("downtime"),
		{ID: "drain-time", Title: "Drain time", Phase: PhaseA, Run: checkDrain, Needs: []string{"objectstores"},
			Inspects:  "rollingTimeoutSeconds of each object store: the drain time of a restarting server",
			FailsWhen: "never: less than 30 seconds is a warning"},
		{ID: "kes", Title: "KES", Phase: PhaseA, Run: checkKES, Needs: []string{"objectstores", "pods"},
			Inspects:  "the KES pods of each object store that uses KES",
			FailsWhen: "none is ready, so restarted servers would not start; a warning if none is found"},
		{ID: "manual-backups", Title: "Manual backups", Phase: PhaseA, WithPlan: true, Run: checkManualSteps,
			Inspects:  "manual steps confirmed with --acknowledge: bucket-export, iam-export, config-export",
			FailsWhen: "never: an unconfirmed step is a warning"},
		{ID: "chart-name", Title: "Chart's line", Phase: PhaseA, WithInputs: true, Run: checkChartName,
			Inspects:  "the names of the target charts",
			FailsWhen: "never: a discontinued chart name is a warning"},
		{ID: "plan", Title: "Plan", Phase: PhaseA, WithPlan: true, Run: checkPlan,
			Inspects:  "the plan's other refusals and warnings; with --plan, whether it matches the reviewed plan",
			FailsWhen: "the plan is refused, or differs from the reviewed plan"},
	}
}

func imageChecks() []Check {
	return []Check{
		ruleCheck("references-private"),
		{ID: "bundle-intact", Title: "Bundle intact", Phase: PhaseA, Run: checkBundleIntact,
			Inspects:  "every byte of the bundle file, and with --public-key its signature; upgrade verifies the signature only, because contents are checked against digests when read",
			FailsWhen: "the file is corrupt, or the signature is missing or invalid"},
		ruleCheck("bundle-complete"),
		{ID: "node-platforms", Title: "Platforms", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkPlatforms, Needs: []string{"nodes"},
			Inspects:  "the platform of every node compared with those of every image in the bundle",
			FailsWhen: "an image lacks the platform of a node"},
		{ID: "release-tags", Title: "Releases' tags", Phase: PhaseA, Run: checkTags, Needs: []string{"pods"},
			Inspects:  "the tags of the servers' images, from which the operator reads the release",
			FailsWhen: "never: a tag that is not a release is a warning"},
		{ID: "pull-secrets-present", Title: "Pull secrets present", Phase: PhaseA, Run: checkSecretsPresent,
			Needs:     []string{"serviceaccounts"},
			Inspects:  "each pull secret referenced by values, object stores, pods and service accounts, in each namespace that pulls",
			FailsWhen: "one does not exist; a warning if another one exists"},
		{ID: "pull-secrets-valid", Title: "Pull secrets valid", Phase: PhaseA, Run: checkSecretsValid,
			Inspects:  "type and content of each pull secret, matched as kubelet matches: host, port, path and wildcards; with public references, the public names",
			FailsWhen: "it has another type, is malformed, or has no usable entry for the images; a warning with public references, because nodes may have their own credentials"},
	}
}

func registryChecks() []Check {
	return []Check{
		{ID: "registry-writable", Title: "Registry writable", Phase: PhaseA, WithPlan: true, Run: checkWritable,
			Inspects:  "push permission for each repository with missing images, tested by starting and cancelling an upload",
			FailsWhen: "a push is required and denied; an error if the registry cannot be reached"},
		{ID: "rollback-ready", Title: "Way back", Phase: PhaseA, WithPlan: true, Run: checkRollback, Needs: []string{"releases", "pods"},
			Inspects:  "the rollback revision of each release, and the running images in the registry",
			FailsWhen: "never: a missing rollback revision or image is a warning"},
		{ID: "images-present", Title: "Images present", Phase: PhaseB, Run: checkImagesPresent,
			Inspects:  "every image in the private registry: digest and platforms",
			FailsWhen: "one is missing, resolves to another digest or lacks a node's platform; an error if the registry cannot be queried"},
		{ID: "pull-secrets-accepted", Title: "Pull secrets accepted", Phase: PhaseB, Run: checkSecretsAccepted,
			Inspects:  "every image in the registry, requested with the credentials of each namespace's pull secret",
			FailsWhen: "the registry answers 401, 403 or 404, or its TLS certificate cannot be verified; an error if it cannot be queried"},
		{ID: CheckPullTest, Title: "Node image pulls", Phase: PhaseB, Run: checkPullTest, Needs: []string{"pods", "serviceaccounts"},
			Inspects:  "with --pull-test, every image pulled on every node that runs AIStor, with each namespace's pull secret, by short-lived pods that run no AIStor code",
			FailsWhen: "a node is refused (401, 403), finds no image (404) or none for its platform, does not trust or reach the registry, or the pod is not admitted or scheduled; an error if that could not be determined in time"},
	}
}
