package preflight

import "slices"

// Before are the checks of a preflight: first those that need no registry
// (phase A), then those that ask it (phase B). The order is the order of the
// report.
func Before() []Check {
	return slices.Concat(clusterChecks(), releaseChecks(), healthChecks(), chartChecks(), trialChecks(), pathChecks(), imageChecks(), registryChecks())
}

// OfPhase are the checks of one phase, in their order.
func OfPhase(checks []Check, phase Phase) []Check {
	return slices.DeleteFunc(slices.Clone(checks), func(c Check) bool { return c.Phase != phase })
}

func clusterChecks() []Check {
	return []Check{
		{ID: "cluster-reachable", Title: "Cluster reachable", Phase: PhaseA, Run: checkReachable,
			Looks: "the API server's version and the name we go by",
			Fails: "the API server does not answer"},
		{ID: "cluster-version", Title: "Kubernetes version", Phase: PhaseA, Run: checkVersion,
			Looks: "the API server's version, and the one the plan was made for",
			Fails: "the server is older than " + oldestServer + "; a warning where the plan was made for another version"},
		{ID: "cluster-same", Title: "Cluster of the plan", Phase: PhaseA, Run: checkSameCluster,
			Looks: "the uid of namespace kube-system",
			Fails: "the plan was made for another cluster"},
		{ID: "permissions", Title: "Permissions", Phase: PhaseA, Run: checkPermissions,
			Looks: "every right that the plan needs: for the objects Helm writes, its records, the lease, the journal and what is watched; and every look that was refused",
			Fails: "a right is missing, each with the question to ask; an error where a look was refused or a right could not be reviewed; a warning where roles can be granted only by holding their rights"},
		{ID: "nodes-ready", Title: "Nodes ready", Phase: PhaseA, Run: checkNodes, Needs: []string{"nodes"},
			Looks: "each node's readiness, and whether it is cordoned",
			Fails: "a node that runs AIStor is not ready; a warning for other nodes and for cordoned ones"},
	}
}

func releaseChecks() []Check {
	return []Check{
		{ID: "releases-found", Title: "Releases found", Phase: PhaseA, Run: checkReleasesFound, Needs: []string{"releases", "objectstores"},
			Looks: "the Helm releases of the operator and of every object store, whatever their names",
			Fails: "the operator's release is missing, or one that the plan upgrades; a warning for object stores without a release, and for another operator elsewhere"},
		{ID: "releases-settled", Title: "Releases settled", Phase: PhaseA, Run: checkReleasesSettled, Needs: []string{"releases"},
			Looks: "the status of each release's newest revision",
			Fails: "a release is pending or failed, or another Helm may be at work; a warning where this upgrade settles it"},
		{ID: "releases-helm4", Title: "Applied by Helm 3 or 4", Phase: PhaseA, Run: checkHelm4, Needs: []string{"releases"},
			Looks: "how each release's newest revision was applied",
			Fails: "never: both majors work with either, and the result says which it was"},
		{ID: "release-size", Title: "Release records", Phase: PhaseA, Run: checkReleaseSize, Needs: []string{"releases"},
			Looks: "the size of each release's record, and of the record that Helm will write: chart, values and manifest",
			Fails: "a record to be written is larger than the 1 MiB that a Secret can hold; a warning from 90 % on"},
		{ID: "gitops-owners", Title: "GitOps", Phase: PhaseA, Run: checkGitOps, Needs: []string{"releases", "objectstores", "deployments"},
			Looks: "the marks of Flux and Argo CD on the releases' objects",
			Fails: "a release that the plan upgrades is reconciled by somebody else; a warning for other releases"},
	}
}

func healthChecks() []Check {
	return []Check{
		volumesKeptCheck(PhaseA),
		deletionCheck(PhaseA),
		volumesBoundCheck(PhaseA),
		resumable(Check{ID: "workloads-healthy", Title: "Workloads", Phase: PhaseA, Run: checkWorkloads,
			Needs: []string{"pods", "deployments", "statefulsets"},
			Looks: "deployments, stateful sets, and pods with their containers",
			Fails: "a pod is not ready, each with its cause; a warning for many restarts and pods that are going"}),
		resumable(Check{ID: "stores-healthy", Title: "Object stores", Phase: PhaseA, Run: checkStores, Needs: []string{"objectstores"},
			Looks: "each object store's health, drives and pools",
			Fails: "a store is not green, a drive is offline or healing, or a pool is not initialized"}),
		resumable(Check{ID: "operator-service", Title: "Operator's Service", Phase: PhaseA, Run: checkOperatorService,
			Needs: []string{"services", "endpointslices"},
			Looks: "Service object-store-operator, from which servers fetch their update",
			Fails: "it is missing, lacks port 4221 or has no ready endpoint"}),
		resumable(webhookCheck(PhaseA)),
		{ID: "cluster-warnings", Title: "Warnings", Phase: PhaseA, Run: checkWarnings, Needs: []string{"events"},
			Looks: "recent warning events about AIStor's objects",
			Fails: "never: each warning is passed on as one"},
		{ID: "budgets", Title: "Disruption budgets", Phase: PhaseA, Run: checkBudgets, Needs: []string{"poddisruptionbudgets"},
			Looks: "the pod disruption budgets of the object stores",
			Fails: "never: a budget that allows no eviction now is a warning"},
	}
}

func webhookCheck(phase Phase) Check {
	return Check{ID: "webhook-ready", Title: "Pod webhook", Phase: phase, Run: checkWebhook,
		Needs: []string{"mutatingwebhookconfigurations"},
		Looks: "the mutating webhooks of AIStor: certificate and endpoints",
		Fails: "the caBundle is empty or the Service has no endpoint, so that new pods would be refused; a warning where failures are ignored"}
}

func chartChecks() []Check {
	return []Check{
		{ID: "roleref-immutable", Title: "Roles of bindings", Phase: PhaseA, WithInputs: true, Run: checkRoleRefs,
			Needs: []string{"clusterrolebindings", "rolebindings"},
			Looks: "the role of each live binding against the rendered ones, chart by chart",
			Fails: "a chart changes a binding's role, which the API server forbids, and no step or stepping stone removes the binding first"},
		{ID: "ownership", Title: "Ownership", Phase: PhaseA, WithInputs: true, Run: checkOwnership,
			Needs: []string{"clusterrolebindings", "rolebindings", "customresourcedefinitions", "objectstores"},
			Looks: "who owns the bindings, definitions, object stores and license that the target renders",
			Fails: "one exists and belongs to another release or to nobody, so that Helm refuses to import it"},
		{ID: "crd-removal", Title: "Nothing deleted", Phase: PhaseA, WithInputs: true, Run: checkRemovals,
			Looks: "the definitions and object stores of the installed manifest against the target's",
			Fails: "one is missing from the target, so that Helm deletes it with all that hangs on it"},
		{ID: "license-removal", Title: "License kept", Phase: PhaseA, WithInputs: true, Run: checkLicenseRemoval,
			Looks: "the license Secret of the installed manifest against the target's",
			Fails: "the target's values hold no license, so that Helm deletes it"},
		{ID: "crd-fields", Title: "Fields kept", Phase: PhaseA, WithInputs: true, Run: checkFields, Needs: []string{"objectstores"},
			Looks: "each object store, live and rendered, and every other custom resource that is rendered, against the definitions of every chart on the way",
			Fails: "a live field is unknown and its value would be lost; a warning for rendered fields that would be dropped"},
		{ID: idValues, Title: "Values valid", Phase: PhaseA, WithInputs: true, Run: checkValues, Needs: []string{"objectstores", "customresourcedefinitions"},
			Looks: "each object store as it is and as it will be, and every other custom resource that is rendered, against types, bounds, enumerations and rules of the definitions on the way; the versions that objects are stored in",
			Fails: "a definition does not accept a value, or has no longer a version that objects are stored in; an error where a new rule needs the server; a warning for what the store's own upgrade corrects"},
		{ID: "operator-image", Title: "Operator's image", Phase: PhaseA, WithInputs: true, Run: checkOperatorImage,
			Looks: "the rendered operator image against the release that the chart is made for",
			Fails: "a pin in the values keeps another operator under the new chart"},
		{ID: "credentials-kept", Title: "Credentials kept", Phase: PhaseA, WithInputs: true, Run: checkCredentials, Needs: []string{"objectstores"},
			Looks: "the root login, encryption keys, KES configuration and certificates of each object store, as they are in the cluster against what the release would set",
			Fails: "one changes, also by setting back what was edited by hand, and that was not accepted; or the Secret that it comes from would be deleted or is not there; an error where a live Secret can't be read"},
		{ID: "license", Title: "License", Phase: PhaseA, Run: checkLicense,
			Looks: "the license that will be there: form and expiry, unverified",
			Fails: "there is none, it is not a token, or it has expired; a warning in the last 30 days"},
	}
}

func pathChecks() []Check {
	return []Check{
		{ID: "order", Title: "Order", Phase: PhaseA, Run: checkOrder,
			Looks: "the plan's steps, and the operator version that each object store chart needs",
			Fails: "an object store chart comes before the operator chart it needs"},
		{ID: "downgrade", Title: "No way back", Phase: PhaseA, WithInputs: true, Run: checkDowngrade, Needs: []string{"pods"},
			Looks: "chart versions and server releases, installed against wanted",
			Fails: "one goes back; a warning with --allow-downgrade"},
		{ID: "downtime", Title: "Downtime", Phase: PhaseA, WithPlan: true, Run: checkDowntime, Needs: []string{"objectstores"},
			Looks: "which pods each step restarts, and how",
			Fails: "a store's pods restart all at once, or a store restarts that is not upgraded, and neither was accepted"},
		{ID: "drain-time", Title: "Time to drain", Phase: PhaseA, Run: checkDrain, Needs: []string{"objectstores"},
			Looks: "rollingTimeoutSeconds of each object store: how long a server that restarts may end its requests",
			Fails: "never: less than 30 seconds is a warning"},
		{ID: "kes", Title: "KES", Phase: PhaseA, Run: checkKES, Needs: []string{"objectstores", "pods"},
			Looks: "the KES pods of each object store that asks for KES",
			Fails: "none of them is ready, so that servers would not come up again; a warning where none is found"},
		{ID: "manual-backups", Title: "Backups by hand", Phase: PhaseA, WithPlan: true, Run: checkGates,
			Looks: "what only a person can do beforehand and acknowledges with --acknowledge: bucket-export, iam-export, config-export",
			Fails: "never: what nobody acknowledged is a warning"},
		{ID: "chart-name", Title: "Chart's line", Phase: PhaseA, WithInputs: true, Run: checkChartName,
			Looks: "the names of the target charts",
			Fails: "never: a chart of a line that has ended is a warning"},
		{ID: "plan", Title: "Plan", Phase: PhaseA, WithPlan: true, Run: checkPlan,
			Looks: "what the plan itself refuses or warns of, beyond the other checks; with --plan whether it is the one that was reviewed",
			Fails: "the plan forbids itself, or is not the reviewed one"},
	}
}

func imageChecks() []Check {
	return []Check{
		{ID: "references-private", Title: "Private references", Phase: PhaseA, WithInputs: true, Run: checkRenderedRefs,
			Looks: "every image reference that the target renders, also those nested in ConfigMaps",
			Fails: "one is no reference, or leads outside the private registry"},
		{ID: "bundle-intact", Title: "Bundle intact", Phase: PhaseA, Run: checkIntact,
			Looks: "every byte of the bundle's file, and with --public-key its signature; upgrade looks at the signature alone, for it holds what it uses against its digests",
			Fails: "a byte is not as it was made, or the signature is missing or another's"},
		{ID: "bundle-complete", Title: "Bundle complete", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkBundle,
			Looks: "every image the target pulls against the bundle's",
			Fails: "the bundle lacks one; a warning for images that only the user's settings name"},
		{ID: "node-platforms", Title: "Platforms", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkPlatforms, Needs: []string{"nodes"},
			Looks: "the platform of every node against those of every image in the bundle",
			Fails: "an image lacks the platform of a node"},
		{ID: "release-tags", Title: "Releases' tags", Phase: PhaseA, Run: checkTags, Needs: []string{"pods"},
			Looks: "the tags of the servers' images, out of which the operator reads the release",
			Fails: "never: a tag that is no release is a warning"},
		{ID: "pull-secrets-present", Title: "Pull secrets present", Phase: PhaseA, Run: checkSecretsPresent,
			Needs: []string{"serviceaccounts"},
			Looks: "each pull secret that the values, object stores, pods and service accounts name, in each namespace that pulls",
			Fails: "one does not exist; a warning where another one beside it does"},
		{ID: "pull-secrets-valid", Title: "Pull secrets valid", Phase: PhaseA, Run: checkSecretsValid,
			Looks: "type and content of each pull secret, matched as kubelet matches: host, port, path and wildcards; where references stay public, under their public names",
			Fails: "it is of another type, not well-formed, or has no usable entry for what is pulled; a warning where references stay public, for nodes may have credentials of their own"},
	}
}

func registryChecks() []Check {
	return []Check{
		{ID: "registry-writable", Title: "Registry writable", Phase: PhaseA, WithPlan: true, Run: checkWritable,
			Looks: "the right to push to each repository that lacks an image of the plan, asked for by an upload that is cancelled",
			Fails: "a push is due and the registry refuses it; an error where it can't be asked"},
		{ID: "rollback-ready", Title: "Way back", Phase: PhaseA, WithPlan: true, Run: checkRollback, Needs: []string{"releases", "pods"},
			Looks: "the revision each release could go back to, and the images that run now in the registry",
			Fails: "never: what could not be gone back to is a warning"},
		{ID: "images-present", Title: "Images present", Phase: PhaseB, Run: checkImagesPresent,
			Looks: "every image in the private registry: digest and platforms",
			Fails: "one is missing, resolves to another digest or lacks a node's platform; an error where the registry can't be asked"},
		{ID: "pull-secrets-accepted", Title: "Pull secrets accepted", Phase: PhaseB, Run: checkSecretsAccepted,
			Looks: "every image in the registry, asked for with exactly the credentials of each namespace's pull secret",
			Fails: "the registry answers 401, 403 or 404, or its TLS can't be verified; an error where it can't be asked"},
		{ID: CheckPullTest, Title: "Pulled on the nodes", Phase: PhaseB, Run: checkPullTest, Needs: []string{"pods", "serviceaccounts"},
			Looks: "with --pull-test, every image pulled by every node that runs AIStor, with each namespace's pull secret, by a short pod that executes nothing",
			Fails: "a node is refused (401, 403), finds no image (404) or none for its platform, does not trust or reach the registry, or the pod is not admitted or placed; an error where that was not found out in time"},
	}
}
