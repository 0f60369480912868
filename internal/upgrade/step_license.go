package upgrade

import (
	"bytes"
	"context"
	"fmt"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionLicense, Mutates: true,
	Done: (*Executor).hasLicense,
	Apply: func(e *Executor, _, reading context.Context, s plan.Step) (string, error) {
		return e.replaceLicense(reading, s)
	},
})

// hasLicense reports whether the Secret already contains the license.
func (e *Executor) hasLicense(ctx context.Context, s plan.Step) (bool, string, error) {
	secret, err := e.licenseSecret(ctx, s)
	if err != nil {
		return false, "", err
	}
	return bytes.Equal(secret.Data[aistor.LicenseSecretKey], e.inputs.License), "the Secret holds this license", nil
}

// replaceLicense writes the license into its Secret, and nothing else of it.
// The operator hands it on to the stores' namespaces.
func (e *Executor) replaceLicense(ctx context.Context, s plan.Step) (string, error) {
	secret, err := e.licenseSecret(ctx, s)
	if err != nil {
		return "", err
	}
	if err := e.announce(ctx, e.journal.Step(s.ID)); err != nil {
		return "", err
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[aistor.LicenseSecretKey] = e.inputs.License
	err = e.write(ctx, func(ctx context.Context) error {
		_, err := e.deps.Client.CoreV1().Secrets(secret.Namespace).Update(ctx, secret, meta.UpdateOptions{})
		return err
	})
	if apierrors.IsConflict(err) { // an answer may have been lost
		if done, _, lookErr := e.hasLicense(ctx, s); done || lookErr != nil {
			err = lookErr
		}
	}
	return "", wrapError(err, "writing the license to", s.Objects[0].String())
}

// licenseSecret reads the Secret. One that a release owns by now is drift: its
// license is among the release's values.
func (e *Executor) licenseSecret(ctx context.Context, s plan.Step) (secret *core.Secret, err error) {
	if len(s.Objects) != 1 || len(e.inputs.License) == 0 {
		return nil, fmt.Errorf("finding the license of step %q: the plan was made from other inputs", s.ID)
	}
	key := s.Objects[0]
	err = retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		secret, err = e.deps.Client.CoreV1().Secrets(key.Namespace).Get(ctx, key.Name, meta.GetOptions{})
		return err
	})
	if err != nil {
		return nil, wrapError(err, "reading", key.String())
	}
	if owner := secret.Annotations["meta.helm.sh/release-name"]; owner != "" {
		return nil, &DriftError{Object: key.String(), Field: "owner", Received: "release " + owner}
	}
	return secret, nil
}
