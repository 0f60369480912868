package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func checkOperatorService(_ context.Context, s *Subject) Result {
	op := s.Facts.Operator
	if op == nil && s.Facts.Namespace != "" {
		return unseen("the operator is outside of namespace %s", s.Facts.Namespace)
	}
	if op == nil && unlisted(s.Facts, "releases") {
		return notListed(s.Facts, "releases")
	}
	if op == nil {
		return skip("no operator release")
	}
	if !renders(op, "Service", aistor.ServiceOperator) && !runs(s.Facts, op.Namespace, aistor.DeploymentObjectStore) {
		return skip("the installed version has no Service %s", aistor.ServiceOperator)
	}
	k := serviceKey(op.Namespace, aistor.ServiceOperator)
	get := shell.Command("kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", op.Namespace, aistor.ServiceOperator)
	i := slices.IndexFunc(s.Facts.Services, func(v plan.Service) bool {
		return v.Namespace == op.Namespace && v.Name == aistor.ServiceOperator
	})
	var f findings
	switch {
	case i < 0 && unlisted(s.Facts, "services"):
	case i < 0:
		f.fail(k, "%s: missing, so servers can't fetch their update", label(k)).
			wanted("none", fmt.Sprintf("port %d with endpoints", aistor.PortOperator), shell.Command("helm status %s -n %s", op.Name, op.Namespace))
	case !slices.Contains(s.Facts.Services[i].Ports, aistor.PortOperator):
		f.fail(k, "%s: has no port %d", label(k), aistor.PortOperator).
			wanted(fmt.Sprint(s.Facts.Services[i].Ports), fmt.Sprint(aistor.PortOperator), describe(k))
	case s.Facts.Services[i].Ready == 0 && !unlisted(s.Facts, "endpointslices"):
		f.fail(k, "%s: has no ready endpoint, so no operator leads", label(k)).wanted("0 endpoints", ">= 1", get)
	}
	return f.result("%s has endpoints on port %d", label(k), aistor.PortOperator)
}

func checkWebhook(_ context.Context, s *Subject) Result {
	op := s.Facts.Operator
	wanted := op != nil && renders(op, "MutatingWebhookConfiguration", aistor.WebhookConfiguration)
	if len(s.Facts.Webhooks) == 0 && op == nil && s.Facts.Namespace != "" {
		return unseen("the pod webhook is outside of namespace %s", s.Facts.Namespace)
	}
	if len(s.Facts.Webhooks) == 0 && !wanted {
		return skip("the installed version has no pod webhook")
	}
	var f findings
	if len(s.Facts.Webhooks) == 0 && !unlisted(s.Facts, "mutatingwebhookconfigurations") {
		k := plan.ObjectKey{Kind: "MutatingWebhookConfiguration", Name: aistor.WebhookConfiguration}
		f.fail(k, "%s: missing, though release %s made it", label(k), op.Key()).
			wanted("none", "one", "kubectl get mutatingwebhookconfigurations")
	}
	for _, w := range s.Facts.Webhooks {
		judgeWebhook(&f, s.Facts, w)
	}
	return f.result("%s a certificate and endpoints", words.Have(len(s.Facts.Webhooks), "webhook"))
}

func judgeWebhook(f *findings, facts *plan.Facts, w plan.Webhook) {
	k := plan.ObjectKey{Kind: "MutatingWebhookConfiguration", Name: w.Configuration}
	status, what := Warn, "its calls fail, and are ignored"
	if w.FailurePolicy != "Ignore" {
		status, what = Fail, "new pods of object stores would be refused"
	}
	logs := "kubectl logs -n NAMESPACE deployment/" + aistor.DeploymentWebhook
	if facts.Operator != nil {
		logs = shell.Command("kubectl logs -n %s deployment/%s", facts.Operator.Namespace, aistor.DeploymentWebhook)
	}
	if w.CABundle == 0 {
		f.add(status, k, "webhook %s of %s: its caBundle is empty: %s", w.Name, w.Configuration, what).
			wanted("caBundle of 0 bytes", "a certificate", logs)
	}
	if w.Service == "" {
		return
	}
	i := slices.IndexFunc(facts.Services, func(v plan.Service) bool { return v.Namespace+"/"+v.Name == w.Service })
	switch {
	case i < 0 && unlisted(facts, "services"), i >= 0 && facts.Services[i].Ready == 0 && unlisted(facts, "endpointslices"):
		g := gapsOf(facts, "services", "endpointslices")[0]
		f.error(k, "webhook %s of %s: service %s: %s", w.Name, w.Configuration, w.Service, gapLine(g)).wanted("unknown", "endpoints", g.Remedy())
	case i < 0:
		f.add(status, k, "webhook %s of %s: service %s is missing: %s", w.Name, w.Configuration, w.Service, what).
			wanted("no service", "endpoints", logs)
	case facts.Services[i].Ready == 0:
		f.add(status, k, "webhook %s of %s: service %s has no ready endpoint: %s", w.Name, w.Configuration, w.Service, what).
			wanted("0 endpoints", ">= 1", logs)
	}
}

// checkOperatorImage catches a pin that stayed behind in the values: an old
// operator under the arguments and rights of the new chart.
func checkOperatorImage(_ context.Context, s *Subject) Result {
	t := s.target()
	if t == nil {
		return skip("the operator is left as it is")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		for _, o := range ofKind(c.After, "Deployment") {
			judgeOperatorImage(&f, c, o)
		}
	}
	return f.result("the operator's image is the one chart %s is made for", t.To)
}

func judgeOperatorImage(f *findings, c plan.Change, o images.Object) {
	want := images.Text(o, "metadata", "annotations", aistor.AnnotationVersion)
	if want == "" {
		return
	}
	k := plan.KeyOf(o, c.Namespace)
	for _, img := range renderedImages([]images.Object{o}, c.Namespace) {
		ref, err := images.ParseRef(img.value)
		if err != nil || ref.Base() != "operator" || ref.Tag == "" {
			continue
		}
		have, errA := aistor.ParseRelease(ref.Tag)
		need, errB := aistor.ParseRelease(want)
		if errA != nil || errB != nil || have.Compare(need) == 0 {
			continue
		}
		f.fail(k, "%s: chart %s would run operator %s, it is made for %s", label(k), c.To, ref.Tag, want).
			wanted(ref.Tag, want, "remove the tag from images.operator in "+valuesName(c))
	}
}

func valuesName(c plan.Change) string {
	if len(c.ValuesFiles) == 0 {
		return "the values of release " + c.Key()
	}
	return c.ValuesFiles[len(c.ValuesFiles)-1]
}

// renders reports whether a release made an object.
func renders(r *plan.Release, kind, name string) bool {
	return named(images.ParseObjects(r.Manifest), kind, name) != nil
}

// runs reports whether a workload is there.
func runs(f *plan.Facts, namespace, name string) bool {
	return slices.ContainsFunc(f.Workloads, func(w plan.Workload) bool {
		return w.Namespace == namespace && w.Name == name
	})
}
