package preflight_test

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// A site runs its own checks beside those of this package.
func ExampleRun() {
	ready := preflight.Check{
		ID: "site-nodes-ready", Title: "Nodes are ready", Phase: preflight.PhaseA, Needs: []string{"nodes"},
		Run: func(_ context.Context, s *preflight.Subject) preflight.Result {
			return preflight.Result{Status: preflight.Pass, Message: fmt.Sprintf("%d nodes", len(s.Facts.Nodes))}
		},
	}
	read := &plan.Facts{Nodes: []plan.Node{{Name: "a"}, {Name: "b"}}}
	// What could not be read is an error, never a pass.
	unread := &plan.Facts{Gaps: []plan.Gap{{Subject: "nodes", Cause: "forbidden"}}}
	for _, facts := range []*plan.Facts{read, unread} {
		report := preflight.Run(context.Background(), []preflight.Check{ready}, &preflight.Subject{Facts: facts}, preflight.Options{})
		for _, result := range report.Results {
			fmt.Printf("%s %s: %s\n", result.ID, result.Status, result.Message)
		}
	}
	// Output:
	// site-nodes-ready pass: 2 nodes
	// site-nodes-ready error: nodes could not be read: forbidden
}

// The credentials that a node takes for an image, the most specific first.
func ExampleMatchCredentials() {
	config, err := preflight.ParseDockerConfig([]byte(`{"auths": {
		"registry.site.example":        {"username": "everyone", "password": "secret"},
		"registry.site.example/aistor": {"username": "aistor", "password": "secret"}
	}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range preflight.MatchCredentials("registry.site.example/aistor/minio:v1", config) {
		fmt.Println(c.Username)
	}
	// Output:
	// aistor
	// everyone
}
