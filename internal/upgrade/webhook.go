package upgrade

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

// WebhookError says that an admission webhook, which the API server must ask
// before it takes a change, does not answer. The API server itself is well.
type WebhookError struct {
	// Name is the webhook's own name.
	Name string
	// Namespace and Service are where it should answer; empty where that is no
	// Service of the cluster.
	Namespace, Service string
	// Configuration is KIND/NAME of what registers it; empty where unknown.
	Configuration string
	Cause         error
}

// Error names the webhook, and how to see why it is silent.
func (e *WebhookError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *WebhookError) Lines() []string {
	text := "webhook " + e.Name
	if e.Configuration != "" {
		text += " of " + e.Configuration
	}
	text += " does not respond"
	if e.Service != "" {
		text += fmt.Sprintf(" at Service %s/%s", e.Namespace, e.Service)
	}
	return append(message.Lines(e.Cause), message.Line(text+"; the API server rejects the change without it"))
}

// Unwrap is what Helm said.
func (e *WebhookError) Unwrap() error { return e.Cause }

// hintPrefix begins the next command: what must be well before it.
func (e *WebhookError) hintPrefix() string {
	if e.Service == "" {
		return "once it responds, "
	}
	return "once it responds (" + shellquote.Command("kubectl get endpointslices -n %s -l kubernetes.io/service-name=%s", e.Namespace, e.Service) + "), "
}

var (
	// callFailed is how an API server says that a webhook did not answer. What a
	// webhook refuses reads otherwise.
	callFailed = regexp.MustCompile(`failed calling webhook "([^"]+)"`)
	// calledService is the Service in the address that it asked.
	calledService = regexp.MustCompile(`https://([a-z0-9-]+)\.([a-z0-9-]+)\.svc[:/]`)
)

// silentWebhook is the webhook that err is about, or nil.
func silentWebhook(err error) *WebhookError {
	if err == nil {
		return nil
	}
	name := callFailed.FindStringSubmatch(err.Error())
	if name == nil {
		return nil
	}
	e := &WebhookError{Name: name[1], Cause: err}
	if at := calledService.FindStringSubmatch(err.Error()); at != nil {
		e.Service, e.Namespace = at[1], at[2]
	}
	return e
}

// findConfiguration finds the configuration of a webhook; without permission it stays empty.
func (e *Executor) findConfiguration(ctx context.Context, w *WebhookError) *WebhookError {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	api := e.deps.Client.AdmissionregistrationV1()
	if list, err := api.ValidatingWebhookConfigurations().List(ctx, meta.ListOptions{}); err == nil {
		for _, c := range list.Items {
			for _, hook := range c.Webhooks {
				if hook.Name == w.Name {
					w.Configuration = "ValidatingWebhookConfiguration/" + c.Name
				}
			}
		}
	}
	if list, err := api.MutatingWebhookConfigurations().List(ctx, meta.ListOptions{}); err == nil {
		for _, c := range list.Items {
			for _, hook := range c.Webhooks {
				if hook.Name == w.Name {
					w.Configuration = "MutatingWebhookConfiguration/" + c.Name
				}
			}
		}
	}
	return w
}
