package preflight

// PostUpgradeChecks are the checks that prove an upgrade's outcome. They need neither
// bundle nor registry; with a plan they know what to expect, without one they
// take what the releases say.
func PostUpgradeChecks() []Check {
	workloads := []string{"pods", "deployments", "statefulsets"}
	return []Check{
		volumesKeptCheck(PhaseAfter),
		deletionCheck(PhaseAfter),
		volumesBoundCheck(PhaseAfter),
		{ID: "releases-deployed", Title: "Releases deployed", Phase: PhaseAfter, Run: checkDeployed, Needs: []string{"releases"},
			Inspects:  "each release's status and chart",
			FailsWhen: "a release is not deployed or has another chart than planned"},
		{ID: "crds-established", Title: "CRDs", Phase: PhaseAfter, Transient: true, Run: checkDefinitions, Needs: []string{"customresourcedefinitions"},
			Inspects:  "the AIStor CRDs: installed, established, and stored versions served",
			FailsWhen: "the ObjectStore CRD is missing, a CRD is not established or is being deleted, or a stored version is not served"},
		{ID: "rollout-complete", Title: "Rollout", Phase: PhaseAfter, Transient: true, Run: checkRollout, Needs: workloads,
			Inspects:  "observed generation, updated and ready pods, old pods, pod revisions and terminating pods of every workload",
			FailsWhen: "a rollout is incomplete, a pod was not restarted or is stuck terminating, or the operator is scaled to 0"},
		{ID: "workloads-healthy", Title: "Workloads", Phase: PhaseAfter, Transient: true, Run: checkWorkloads,
			Needs:     workloads,
			Inspects:  "deployments, stateful sets, and pods with their containers",
			FailsWhen: "a pod is not ready, each with its cause; a warning for many restarts and terminating pods"},
		{ID: "references-private", Title: "Private references", Phase: PhaseAfter, Run: checkRunningRefs, Needs: []string{"pods"},
			Inspects:  "the image of every container, init container and sidecar that runs",
			FailsWhen: "an image is not in the private registry"},
		{ID: "images-as-asked", Title: "Pod spec images", Phase: PhaseAfter, Run: checkPodImages, Needs: []string{"pods"},
			Inspects:  "the image in each container spec compared with the expected image, or with its workload's template",
			FailsWhen: "a container spec has another image; an error if --expect matches nothing"},
		{ID: "image-ids", Title: "Running images", Phase: PhaseAfter, Run: checkImageIDs, Needs: []string{"pods"},
			Inspects:  "the digest reported by each node compared with index, platform manifest and config of the image",
			FailsWhen: "a node runs another digest of the same reference; a warning if that is unknown or no digest is reported"},
		{ID: "stores-green", Title: "Object stores green", Phase: PhaseAfter, Transient: true, Run: checkStores, Needs: []string{"objectstores"},
			Inspects:  "each object store's health, drives and pools",
			FailsWhen: "a store is not green, a drive is offline or healing, or a pool is not initialized"},
		{ID: "stores-answer", Title: "Object store health endpoints", Phase: PhaseAfter, Transient: true, Run: checkHealthEndpoints, Needs: []string{"objectstores"},
			Inspects:  "the response of /minio/health/cluster, through the API server or at --endpoint, if reachable",
			FailsWhen: "a store has no write quorum; unreachable stores are listed"},
		{ID: "services-endpoints", Title: "Services", Phase: PhaseAfter, Transient: true, Run: checkServices, Needs: []string{"services", "endpointslices"},
			Inspects:  "the ready endpoints of each Service of operator and stores",
			FailsWhen: "a Service has no ready endpoints"},
		webhookCheck(PhaseAfter),
		{ID: "operator-log", Title: "Operator log", Phase: PhaseAfter, Run: checkOperatorLog,
			Inspects:  "pull and reconcile errors in the operator's logs since the upgrade began",
			FailsWhen: "never: errors are reported as warnings; unreadable logs are listed"},
		{ID: "cluster-warnings", Title: "Warnings", Phase: PhaseAfter, Run: checkWarnings, Needs: []string{"events"},
			Inspects:  "warning events about AIStor's objects since the upgrade began, and at most of the last hour",
			FailsWhen: "never: events are reported as warnings"},
	}
}
