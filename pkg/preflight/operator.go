package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func checkOperatorService(_ context.Context, s *Subject) Result {
	op := s.Facts.Operator
	if op == nil && s.Facts.Namespace != "" {
		return unobservedResult("the operator is outside namespace %s", s.Facts.Namespace)
	}
	if op == nil && hasListGap(s.Facts, "releases") {
		return notListed(s.Facts, "releases")
	}
	if op == nil {
		return skipResult("no operator release")
	}
	if !rendersObject(op, "Service", aistor.ServiceOperator) && !hasWorkload(s.Facts, op.Namespace, aistor.DeploymentObjectStore) {
		return skipResult("the installed version has no Service %s", aistor.ServiceOperator)
	}
	k := serviceKey(op.Namespace, aistor.ServiceOperator)
	get := shellquote.Command("kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", op.Namespace, aistor.ServiceOperator)
	i := slices.IndexFunc(s.Facts.Services, func(v plan.Service) bool {
		return v.Namespace == op.Namespace && v.Name == aistor.ServiceOperator
	})
	var f findings
	switch {
	case i < 0 && hasListGap(s.Facts, "services"):
	case i < 0:
		f.addFailure(k, "%s: missing, so servers cannot fetch their update", k.Label()).
			setDetails("none", fmt.Sprintf("port %d with endpoints", aistor.PortOperator), shellquote.Command("helm status %s -n %s", op.Name, op.Namespace))
	case !slices.Contains(s.Facts.Services[i].Ports, aistor.PortOperator):
		f.addFailure(k, "%s: has no port %d", k.Label(), aistor.PortOperator).
			setDetails(fmt.Sprint(s.Facts.Services[i].Ports), fmt.Sprint(aistor.PortOperator), describeCommand(k))
	case s.Facts.Services[i].Ready == 0 && !hasListGap(s.Facts, "endpointslices"):
		f.addFailure(k, "%s: has no ready endpoint, so there is no operator leader", k.Label()).setDetails("0 endpoints", ">= 1", get)
	}
	return f.buildResult("%s has endpoints on port %d", k.Label(), aistor.PortOperator)
}

func checkWebhook(_ context.Context, s *Subject) Result {
	op := s.Facts.Operator
	wanted := op != nil && rendersObject(op, "MutatingWebhookConfiguration", aistor.WebhookConfiguration)
	if len(s.Facts.Webhooks) == 0 && op == nil && s.Facts.Namespace != "" {
		return unobservedResult("the pod webhook is outside namespace %s", s.Facts.Namespace)
	}
	if len(s.Facts.Webhooks) == 0 && !wanted {
		return skipResult("the installed version has no pod webhook")
	}
	var f findings
	if len(s.Facts.Webhooks) == 0 && !hasListGap(s.Facts, "mutatingwebhookconfigurations") {
		k := plan.ObjectKey{Kind: "MutatingWebhookConfiguration", Name: aistor.WebhookConfiguration}
		f.addFailure(k, "%s: missing, although release %s contains it", k.Label(), op.Key()).
			setDetails("none", "one", "kubectl get mutatingwebhookconfigurations")
	}
	for _, w := range s.Facts.Webhooks {
		evaluateWebhook(&f, s.Facts, w)
	}
	return f.buildResult("%s a certificate and endpoints", plural.CountHas(len(s.Facts.Webhooks), "webhook"))
}

func evaluateWebhook(f *findings, facts *plan.Facts, w plan.Webhook) {
	k := plan.ObjectKey{Kind: "MutatingWebhookConfiguration", Name: w.Configuration}
	status, what := Warn, "its calls fail, and are ignored"
	if w.FailurePolicy != "Ignore" {
		status, what = Fail, "new pods of object stores would be refused"
	}
	logs := "kubectl logs -n NAMESPACE deployment/" + aistor.DeploymentWebhook
	if facts.Operator != nil {
		logs = shellquote.Command("kubectl logs -n %s deployment/%s", facts.Operator.Namespace, aistor.DeploymentWebhook)
	}
	if w.CABundle == 0 {
		f.addFinding(status, k, "webhook %s of %s: its caBundle is empty: %s", w.Name, w.Configuration, what).
			setDetails("caBundle of 0 bytes", "a certificate", logs)
	}
	if w.Service == "" {
		return
	}
	i := slices.IndexFunc(facts.Services, func(v plan.Service) bool { return v.Namespace+"/"+v.Name == w.Service })
	switch {
	case i < 0 && hasListGap(facts, "services"), i >= 0 && facts.Services[i].Ready == 0 && hasListGap(facts, "endpointslices"):
		g := gapsOf(facts, "services", "endpointslices")[0]
		f.addError(k, "webhook %s of %s: service %s: %s", w.Name, w.Configuration, w.Service, gapMessage(g)).setDetails("unknown", "endpoints", g.Remedy())
	case i < 0:
		f.addFinding(status, k, "webhook %s of %s: service %s is missing: %s", w.Name, w.Configuration, w.Service, what).
			setDetails("no service", "endpoints", logs)
	case facts.Services[i].Ready == 0:
		f.addFinding(status, k, "webhook %s of %s: service %s has no ready endpoint: %s", w.Name, w.Configuration, w.Service, what).
			setDetails("0 endpoints", ">= 1", logs)
	}
}

// checkOperatorImage catches a pin that stayed behind in the values: an old
// operator under the arguments and rights of the new chart.
func checkOperatorImage(_ context.Context, s *Subject) Result {
	t := s.operatorTarget()
	if t == nil {
		return skipResult("the operator is not changed")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		for _, o := range images.FilterByKind(c.After, "Deployment") {
			evaluateOperatorImage(&f, c, o)
		}
	}
	return f.buildResult("the operator image matches chart %s", t.To)
}

func evaluateOperatorImage(f *findings, c plan.Change, o images.Object) {
	want := images.NestedString(o, "metadata", "annotations", aistor.AnnotationVersion)
	if want == "" {
		return
	}
	k := plan.KeyOf(o, c.Namespace)
	found, _ := images.DiscoverRendered([]images.Object{o})
	for _, img := range found {
		ref := img.Ref
		if ref.Base() != "operator" || ref.Tag == "" {
			continue
		}
		have, errA := aistor.ParseServerVersion(ref.Tag)
		need, errB := aistor.ParseServerVersion(want)
		if errA != nil || errB != nil || have.Compare(need) == 0 {
			continue
		}
		f.addFailure(k, "%s: chart %s would run operator %s instead of %s", k.Label(), c.To, ref.Tag, want).
			setDetails(ref.Tag, want, "remove the tag from images.operator in "+c.ValuesName())
	}
}

// rendersObject reports whether a release made an object.
func rendersObject(r *plan.InstalledRelease, kind, name string) bool {
	return images.FindObject(images.ParseObjects(r.Manifest), kind, name) != nil
}

// hasWorkload reports whether a workload is there.
func hasWorkload(f *plan.Facts, namespace, name string) bool {
	return slices.ContainsFunc(f.Workloads, func(w plan.Workload) bool {
		return w.Namespace == namespace && w.Name == name
	})
}
