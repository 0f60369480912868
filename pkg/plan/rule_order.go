package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func orderRule() Rule {
	return Rule{ID: "order", Title: "Order", Notices: []string{"operator-too-old", "operator-unknown", "step-order"}, WithoutInputs: true, Evaluate: evaluateOrder,
		Inspects:  "the plan's steps, and the operator version that the chart and the values of each object store need",
		FailsWhen: "an object store chart comes before the operator chart that it needs, or the operator is too old for one"}
}

func evaluateOrder(in Inputs, p *Plan) Verdict {
	if len(in.orderedChanges()) == 0 && p == nil {
		return Verdict{Skipped: "no plan"}
	}
	operator := in.operatorAfter()
	v := Verdict{Passed: "the operator is upgraded first, and every object store chart supports " + cmp.Or(operator, "it")}
	if in.isRollback() || p != nil && p.Kind == KindRollback {
		v.Passed = "object stores are rolled back before the operator"
	} else if p != nil {
		evaluateStepOrder(&v, p)
	}
	for _, s := range in.storesAfter() {
		in.evaluateOperatorNeeds(&v, s, operator)
	}
	return v
}

func evaluateStepOrder(v *Verdict, p *Plan) {
	stores := ""
	for _, s := range p.Steps {
		switch {
		case s.Action == ActionStore && stores == "":
			stores = s.ID
		case s.Action == ActionOperator && stores != "":
			v.add(SeverityRefuse, "step-order", releaseKey(s.Target), "step %s comes after %s, but the operator must be upgraded first", s.ID, stores).
				setDetails("after "+stores, "before", "helm aistor plan")
		}
	}
}

// operatorAfter is the version of the operator chart once the plan is done; empty
// where nobody knows it.
func (in Inputs) operatorAfter() string {
	if t := in.operatorTarget(); t != nil {
		return t.To.Version
	}
	if op := in.Facts.Operator; op != nil && op.Version != "" {
		return op.Version
	}
	return in.Options.OperatorVersion
}

// storeChart is the chart of one object store's release once the plan is done.
type storeChart struct {
	store, release, version string
	values                  map[string]any
	changed                 bool
}

// storesAfter are the charts of all object stores, those that the plan changes
// first.
func (in Inputs) storesAfter() []storeChart {
	var list []storeChart
	for _, c := range in.Stores {
		list = append(list, storeChart{c.StoreKey(), c.Key(), c.To.Version, c.Values, true})
	}
	for _, s := range in.Facts.Stores {
		if r := in.Facts.findRelease(s.Namespace + "/" + s.Release); r != nil && !in.selectsStore(s.Key()) {
			list = append(list, storeChart{s.Key(), r.Key(), r.Version, r.Values, false})
		}
	}
	return list
}

// evaluateOperatorNeeds refuses an operator that is too old for the chart or the
// values of an object store: the API server would drop the fields that it does not
// know, and no later upgrade restores them. A store that stays as it is counts
// where the plan makes its operator older, or first breaks what it needs.
func (in Inputs) evaluateOperatorNeeds(v *Verdict, s storeChart, operator string) {
	older := in.isRollback() || in.downgradesOperator()
	for _, need := range aistor.OperatorNeeds(s.version) {
		before := ""
		if in.Facts.Operator != nil {
			before = in.Facts.Operator.Version
		}
		switch {
		case need.Path != "" && IsEmptyValue(images.NestedValue(s.values, strings.Split(need.Path, ".")...)),
			operator != "" && meetsNeed(operator, need),
			!s.changed && in.operatorTarget() == nil,
			!s.changed && !older && !meetsNeed(before, need):
			continue
		}
		what := "object store chart " + s.version
		if need.Path != "" {
			what += " with " + need.Path
		}
		if operator == "" {
			v.add(SeverityRefuse, "operator-unknown", releaseKey(s.release), "release %s: %s requires operator %s, and the running version is unknown", s.release, what, need.Operator).
				setDetails("unknown", ">= "+need.Operator, "set --operator-version to the operator's chart version")
			return
		}
		remedy := "upgrade the operator chart to " + need.Operator + " or newer first"
		if older {
			remedy = "also roll back object store " + s.store + ", or keep the operator with --stores-only"
		}
		v.add(SeverityRefuse, "operator-too-old", releaseKey(s.release), "release %s: %s requires operator %s, but %s would run: %s", s.release, what, need.Operator, operator, need.Why).
			setDetails(operator, ">= "+need.Operator, remedy)
		return
	}
}

func meetsNeed(operator string, need aistor.OperatorNeed) bool {
	return aistor.AtLeast(operator, need.Operator) && !slices.Contains(need.Except, operator)
}

// downgradesOperator reports whether an upgrade leads to an operator chart that
// is older than the installed one, as --allow-downgrade accepts: what forbids a
// rollback of the operator forbids that too.
func (in Inputs) downgradesOperator() bool {
	t := in.operatorTarget()
	if t == nil || in.isRollback() {
		return false
	}
	installed := in.Operator[0].From.Version
	if in.Facts.Operator != nil {
		installed = in.Facts.Operator.Version
	}
	return aistor.VersionBefore(t.To.Version, installed)
}
