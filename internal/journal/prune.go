package journal

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// keptRecords is how many records other than the newest of each needed plan
// stay in a namespace.
const keptRecords = 50

// Prune deletes the oldest records where there are more than enough. What
// status and rollback need stays: the newest record of this plan, of the newest
// upgrade, and of every plan these resumed; a record carries over what earlier
// attempts at its plan recorded. A user who may not delete ConfigMaps prunes
// nothing; that is no error.
func (j *Journal) Prune(ctx context.Context) error {
	needed := j.needed()
	excess := len(j.records) - keptRecords
	for _, r := range j.records { // the oldest first
		if excess <= 0 {
			break
		}
		if needed[r.name] {
			continue
		}
		excess--
		uid := types.UID(r.uid)
		pre := &meta.Preconditions{UID: &uid, ResourceVersion: &r.version}
		err := j.client.CoreV1().ConfigMaps(j.namespace).Delete(ctx, r.name, meta.DeleteOptions{Preconditions: pre})
		switch {
		case apierrors.IsForbidden(err):
			return nil
		case err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
			return fmt.Errorf("pruning journal %q: %w", j.namespace+"/"+r.name, err)
		}
	}
	return nil
}

// needed are the names of records that must stay.
func (j *Journal) needed() map[string]bool {
	plans := map[string]bool{j.Plan: true}
	for _, r := range Lineage(j.found, j.Run) {
		plans[r.Plan] = true
	}
	if i := newestUpgrade(j.found); i >= 0 {
		plans[j.found[i].Plan] = true
		for _, r := range Lineage(j.found, j.found[i]) {
			plans[r.Plan] = true
		}
	}
	newest := map[string]string{}
	for _, r := range j.records {
		if plans[r.run.Plan] {
			newest[r.run.Plan] = r.name
		}
	}
	names := map[string]bool{}
	for _, name := range newest {
		names[name] = true
	}
	return names
}
