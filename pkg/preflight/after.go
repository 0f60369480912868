package preflight

// After are the checks that prove an upgrade's outcome. They need neither
// bundle nor registry; with a plan they know what to expect, without one they
// take what the releases say.
func After() []Check {
	workloads := []string{"pods", "deployments", "statefulsets"}
	return []Check{
		volumesKeptCheck(PhaseAfter),
		deletionCheck(PhaseAfter),
		volumesBoundCheck(PhaseAfter),
		{ID: "releases-deployed", Title: "Releases deployed", Phase: PhaseAfter, Run: checkDeployed, Needs: []string{"releases"},
			Looks: "each release's status and chart",
			Fails: "a release is not deployed or carries another chart than planned"},
		{ID: "crds-established", Title: "Definitions", Phase: PhaseAfter, Run: checkDefinitions, Needs: []string{"customresourcedefinitions"},
			Looks: "the definitions of AIStor: there, established, and stored versions served",
			Fails: "that of object stores is missing, a definition is not established or being deleted, or its objects are stored in a version that is not served"},
		{ID: "rollout-complete", Title: "Roll-out", Phase: PhaseAfter, Run: checkRollout, Needs: workloads,
			Looks: "observed generation, updated and ready pods of every workload, old pods, each pod's revision, pods that are going",
			Fails: "a workload has not arrived, a pod never restarted or is stuck terminating, or the operator was scaled to 0 by hand"},
		{ID: "workloads-healthy", Title: "Workloads", Phase: PhaseAfter, Run: checkWorkloads,
			Needs: workloads,
			Looks: "deployments, stateful sets, and pods with their containers",
			Fails: "a pod is not ready, each with its cause; a warning for many restarts and pods that are going"},
		{ID: "references-private", Title: "Private references", Phase: PhaseAfter, Run: checkRunningRefs, Needs: []string{"pods"},
			Looks: "the image of every container, init container and sidecar that runs",
			Fails: "one is not in the private registry"},
		{ID: "images-as-asked", Title: "Images as asked", Phase: PhaseAfter, Run: checkAsked, Needs: []string{"pods"},
			Looks: "the image that each container's spec asks for against the expected one, or else against its own workload's",
			Fails: "a container asks for another image; an error where --expect names what nothing is called"},
		{ID: "image-ids", Title: "Images as run", Phase: PhaseAfter, Run: checkImageIDs, Needs: []string{"pods"},
			Looks: "the digest that each node reports against index, platform manifest and config of the image",
			Fails: "a node runs another digest behind the same reference; a warning where that can't be told, or no digest is reported"},
		{ID: "stores-green", Title: "Object stores green", Phase: PhaseAfter, Run: checkStores, Needs: []string{"objectstores"},
			Looks: "each object store's health, drives and pools",
			Fails: "a store is not green, a drive is offline or healing, or a pool is not initialized"},
		{ID: "stores-answer", Title: "Object stores answer", Phase: PhaseAfter, Run: checkAnswers, Needs: []string{"objectstores"},
			Looks: "each object store's own answer on /minio/health/cluster, through the API server or at its --endpoint, where it can be reached",
			Fails: "a store has no write quorum; what could not be asked is said"},
		{ID: "services-endpoints", Title: "Services", Phase: PhaseAfter, Run: checkServices, Needs: []string{"services", "endpointslices"},
			Looks: "the ready endpoints of each Service of operator and stores",
			Fails: "a Service has none"},
		webhookCheck(PhaseAfter),
		{ID: "operator-log", Title: "Operator log", Phase: PhaseAfter, Run: checkLog,
			Looks: "errors of pulling and reconciling that the operator's containers wrote since the upgrade began",
			Fails: "never: each error is passed on as a warning; a log that can't be read is said"},
		{ID: "cluster-warnings", Title: "Warnings", Phase: PhaseAfter, Run: checkWarnings, Needs: []string{"events"},
			Looks: "warning events about AIStor's objects since the upgrade began, and at most of the last hour",
			Fails: "never: each warning is passed on as one"},
	}
}
