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
// status and rollback need stays: of this plan, of the newest upgrade, of an
// unfinished run, of the plans that made what is installed now, and of every
// plan these resumed, the oldest and the newest record and one that says that it
// ended; and the record that proves who made the newest revision of a release. A
// user who may not delete ConfigMaps prunes nothing; that is not an error.
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
	runs := []Run{j.Run}
	if i := newestUpgrade(j.found); i >= 0 {
		runs = append(runs, j.found[i])
	}
	if r := Unfinished(j.found); r != nil {
		runs = append(runs, *r)
	}
	for _, r := range j.found {
		if j.madeNewest(r.Plan) {
			runs = append(runs, r)
		}
	}
	for _, r := range runs {
		plans[r.Plan] = true
		for _, earlier := range Lineage(j.found, r) {
			plans[earlier.Plan] = true
		}
	}
	names := j.proofs()
	oldest, newest, done := map[string]string{}, map[string]string{}, map[string]string{}
	for _, r := range j.records {
		digest := r.run.Plan
		if !plans[digest] {
			continue
		}
		if oldest[digest] == "" {
			oldest[digest] = r.name
		}
		if newest[digest] = r.name; r.done() {
			done[digest] = r.name
		}
	}
	for _, list := range []map[string]string{oldest, newest, done} {
		for _, name := range list {
			names[name] = true
		}
	}
	return names
}

// madeNewest reports whether a plan made the newest revision of a release.
func (j *Journal) madeNewest(digest string) bool {
	for target := range j.evidence.Revisions {
		newest, _ := j.evidence.newest(target)
		if j.confirmed.owners[target][newest.Number] == digest {
			return true
		}
	}
	return false
}

// proofs are the names of the records that prove who made the newest revision of
// each release.
func (j *Journal) proofs() map[string]bool {
	names := map[string]bool{}
	for target := range j.evidence.Revisions {
		newest, _ := j.evidence.newest(target)
		for _, r := range j.confirmed.sound {
			if r.made(target, newest) {
				names[r.name] = true
				break
			}
		}
	}
	return names
}
