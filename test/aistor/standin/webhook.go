package standin

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"
)

const webhookName = "object-store-operator-webhook"

// Inject writes the authority into the webhook configuration: where its
// caBundle is empty, or with replace also over another. A cluster without the
// configuration needs nothing.
func Inject(ctx context.Context, client *Client, authority []byte, replace bool) error {
	path := Path("admissionregistration.k8s.io/v1", "", "mutatingwebhookconfigurations", webhookName)
	configuration, err := client.Get(ctx, path)
	if hasCode(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading webhook configuration: %w", err)
	}
	wanted, changed := base64.StdEncoding.EncodeToString(authority), false
	for _, hook := range configuration.List("webhooks") {
		have := hook.Text("clientConfig", "caBundle")
		if have == "" || (replace && have != wanted) {
			hook.Map("clientConfig")["caBundle"] = wanted
			changed = true
		}
	}
	if !changed {
		return nil
	}
	if err := client.Update(ctx, path, configuration); err != nil {
		return fmt.Errorf("filling in caBundle: %w", err)
	}
	return nil
}

// unserved is a label that no pod has.
const unserved = "standin.aistor.min.io/unserved"

// Unserve lets the webhook select no pod, because nobody answers for it where
// its pods are simulated: operators of 5.2.0 to 5.3.0 select every pod of every
// store, and a webhook that cannot be asked forbids them.
func Unserve(ctx context.Context, client *Client) error {
	path := Path("admissionregistration.k8s.io/v1", "", "mutatingwebhookconfigurations", webhookName)
	configuration, err := client.Get(ctx, path)
	if hasCode(err, http.StatusNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading webhook configuration: %w", err)
	}
	changed := false
	for _, hook := range configuration.List("webhooks") {
		selector := hook.Map("objectSelector")
		expressions := selector.List("matchExpressions")
		if slices.ContainsFunc(expressions, func(e Object) bool { return e.Text("key") == unserved }) {
			continue
		}
		selector["matchExpressions"] = appendObjects([]any{map[string]any{"key": unserved, "operator": "Exists"}}, expressions)
		hook["objectSelector"], changed = map[string]any(selector), true
	}
	if !changed {
		return nil
	}
	if err := client.Update(ctx, path, configuration); err != nil {
		return fmt.Errorf("taking the webhook away: %w", err)
	}
	return nil
}

// certificates returns a new authority and a key pair it vouches for.
func certificates(host string, now time.Time) (authority []byte, pair tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host, "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, tls.Certificate{}, err
	}
	var out bytes.Buffer
	if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return nil, tls.Certificate{}, err
	}
	return out.Bytes(), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// WebhookHandler answers /healthz and lets every pod pass unchanged.
func WebhookHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/mutate", func(w http.ResponseWriter, request *http.Request) {
		var review Object
		if err := json.NewDecoder(request.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer := Object{"apiVersion": or(review.Text("apiVersion"), "admission.k8s.io/v1"), "kind": "AdmissionReview",
			"response": map[string]any{"uid": review.Text("request", "uid"), "allowed": true}}
		w.Header().Set("Content-Type", "application/json")
		// The API server has gone where this fails, and asks again.
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}
