package preflight

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Phase says when a check can be made.
type Phase string

// The phases, in the order in which they occur.
const (
	// PhaseA needs the cluster, the bundle and the plan, but no image in the
	// registry: it comes before the push.
	PhaseA Phase = "A"
	// PhaseB asks the registry, so it comes after the images were pushed.
	PhaseB Phase = "B"
	// PhaseAfter proves the outcome.
	PhaseAfter Phase = "after"
)

// Check is one check. Checks are values without state: Run may
// be called from many goroutines and any number of times.
type Check struct {
	// ID is kebab-case and stable for ever: waivers and scripts name it. A
	// check that is made before and after has one ID.
	ID string
	// Title is what people read.
	Title string
	// Phase says when the check is made.
	Phase Phase
	// Inspects says what the check inspects, FailsWhen when it does not pass.
	Inspects, FailsWhen string
	// Needs are the resources, in plural and without their group, that the
	// check reads from the facts. A [plan.Gap] in one of them turns a pass
	// into an error.
	Needs []string
	// Partial says that the check judges what could be checked although there
	// are gaps in Needs: they then spoil nothing but a pass. A gap for want of an
	// optional right, or beyond the one namespace that was checked, turns it
	// into a skip that says so.
	Partial bool
	// Mandatory says that neither [Options.Skip] nor a waiver keeps a failure or
	// an error of the check from counting.
	Mandatory bool
	// Transient says that what fails may pass by itself soon after a change: a
	// health that its operator has not written again, a pod that is about to be
	// ready.
	Transient bool
	// WithInputs and WithPlan say that the check applies only where there is a
	// bundle to compare with, or a plan. Otherwise it is skipped, whatever
	// could not be read.
	WithInputs, WithPlan bool
	// Run evaluates. It need not set ID and Title of the result, and must not
	// keep or change the subject.
	Run func(ctx context.Context, s *Subject) Result
}

// Subject is the input of all checks. It is shared between checks that
// run at the same time and so is never changed.
type Subject struct {
	// Facts are what was found on the cluster. Without them every check is an
	// error.
	Facts *plan.Facts
	// Inputs are nil without a bundle: then the running state is checked.
	Inputs *plan.Inputs
	// Plan is nil where none was made.
	Plan *plan.Plan
	// Reviewed is a plan that was made before, for review; nil where there is
	// none. Plan is the one for the present state.
	Reviewed *plan.Plan
	// StaleReason says why Reviewed does not hold any more, where that is known
	// better than from the plans alone: what another client changed since a part
	// of it was executed.
	StaleReason string
	// Registry answers for the private registry; nil where this machine has
	// no route to it.
	Registry RegistryProber
	// Puller pulls on the nodes; nil unless somebody asked for that, since it
	// starts pods.
	Puller Puller
	// Acknowledged are the IDs of the [ManualStep]s that a person says were passed.
	Acknowledged []string
	// Bundle proves the bundle's file; nil where there is none.
	Bundle BundleVerifier
	// SpareNodes lets nodes pull as well that run nothing of AIStor today.
	SpareNodes bool
	// Site names registry and pull secret where there is neither plan nor
	// inputs.
	Site plan.SiteRegistry
	// Now is the time of the facts.
	Now time.Time
	// Since is when the upgrade began; warnings before it are not its fault.
	// The zero time lets every warning count.
	Since time.Time
	// ExpectedImages names what must run, by container or image name: "minio" to a
	// tag or a reference in full. It overrules the plan.
	ExpectedImages map[string]string
	// Permissions are the reviewed rights of [plan.Inputs.WritePermissions]; nil where none
	// were reviewed, which is an error where there is a plan.
	Permissions []Permission
	// DryRuns are dry runs of the plan's requests; nil where none were made,
	// which is an error where there is a plan.
	DryRuns []plan.DryRun
	// Resuming says that the newest upgrade changed the cluster and was
	// interrupted, killed or stopped: what it left unhealthy is a warning
	// before the resumed upgrade, and a failure after it.
	Resuming bool
	// Recorded are the volume claims as an earlier run, or the reviewed plan,
	// recorded them; nil takes those of Plan.
	Recorded plan.ClaimRecords
	// OwnPending names releases, as namespace/name, whose pending revision is
	// that of an upgrade of ours which runs no more.
	OwnPending []string
}

// Permission is the answer to one access review.
type Permission = plan.Permission

// RegistryProber asks a registry. Implementations are safe for concurrent use and
// bound their own time.
type RegistryProber interface {
	// Head asks the registry for ref. A nil dockerConfigJSON means the user's
	// own credentials; otherwise exactly those in it are used and no others.
	// An error that has Kind() string says what went wrong (see the Kind
	// constants), and may have Hint() string.
	Head(ctx context.Context, ref images.Ref, dockerConfigJSON []byte) (ManifestInfo, error)
}

// ManifestInfo is what a registry holds under one reference.
type ManifestInfo struct {
	// Digest is what the reference resolves to.
	Digest    string
	MediaType string
	// Platforms as os/arch[/variant]; empty where the registry did not say.
	Platforms []string
	// Children are the platform manifests of an index, by platform.
	Children map[string]string
	// Config is the digest of each platform's config.
	Config map[string]string
}

// The kinds of errors a [RegistryProber] tells apart.
const (
	KindUnauthorized    = "unauthorized"
	KindForbidden       = "forbidden"
	KindNotFound        = "not-found"
	KindNameUnknown     = "name-unknown"
	KindTLS             = "tls"
	KindUnreachable     = "unreachable"
	KindRateLimited     = "rate-limited"
	KindPrivateRedirect = "private-redirect"
	KindPlainHTTP       = "plain-http"
)

// registrySettings is the private registry as far as anything names it.
func (s *Subject) registrySettings() plan.SiteRegistry {
	switch {
	case s.Plan != nil:
		return s.Plan.Registry
	case s.Inputs != nil:
		return s.Inputs.Registry
	default:
		return s.Site
	}
}

// clusterPlan is the plan whose cluster is the right one.
func (s *Subject) clusterPlan() *plan.Plan {
	if s.Reviewed != nil {
		return s.Reviewed
	}
	return s.Plan
}

// orderedChanges are all releases' changes in the order in which they are made.
func (s *Subject) orderedChanges() []plan.Change {
	if s.Inputs == nil {
		return nil
	}
	return append(append([]plan.Change(nil), s.Inputs.Operator...), s.Inputs.Stores...)
}

// operatorTarget is the operator's last change, nil where it is left as it is.
func (s *Subject) operatorTarget() *plan.Change {
	if s.Inputs == nil || len(s.Inputs.Operator) == 0 {
		return nil
	}
	return &s.Inputs.Operator[len(s.Inputs.Operator)-1]
}

// planOptions are the user's choices.
func (s *Subject) planOptions() plan.Options {
	switch {
	case s.Plan != nil:
		return s.Plan.Options
	case s.Inputs != nil:
		return s.Inputs.Options
	default:
		return plan.Options{}
	}
}
