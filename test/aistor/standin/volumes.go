package standin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Provision makes a volume for every pending claim of an object store that
// names no storage class, bound to it beforehand. It is in for the default
// class a real cluster has, and needs an administrator's rights.
func Provision(ctx context.Context, client *Client) error {
	claims, err := client.List(ctx, Path("v1", "", "persistentvolumeclaims"), "labelSelector", tenantLabel)
	if err != nil {
		return fmt.Errorf("listing volume claims: %w", err)
	}
	var failures []error
	for _, claim := range claims {
		if claim.Text("status", "phase") != "Pending" || claim.Text("spec", "volumeName") != "" || claim.Text("spec", "storageClassName") != "" {
			continue
		}
		err := client.Create(ctx, Path("v1", "", "persistentvolumes"), volume(claim))
		if err != nil && !hasCode(err, http.StatusConflict) {
			failures = append(failures, fmt.Errorf("making a volume for %q: %w", claim.Namespace()+"/"+claim.Name(), err))
		}
	}
	return errors.Join(failures...)
}

func volume(claim Object) Object {
	name := "standin-" + claim.Text("metadata", "uid")
	return Object{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"capacity":                      map[string]any{"storage": claim.Text("spec", "resources", "requests", "storage")},
			"accessModes":                   claim.At("spec", "accessModes"),
			"persistentVolumeReclaimPolicy": "Retain",
			"hostPath":                      map[string]any{"path": "/var/lib/standin/" + name, "type": "DirectoryOrCreate"},
			"claimRef": map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
				"namespace": claim.Namespace(), "name": claim.Name(), "uid": claim.Text("metadata", "uid")},
		},
	}
}
