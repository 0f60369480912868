package option

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

func TestEndpointsAreReadAsTheyAreGiven(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, given, want, refused string
	}{
		{name: "a host", given: "a/x=https://s3.example.com", want: "https://s3.example.com/minio/health/cluster"},
		{name: "a slash at the end", given: "a/x=https://s3.example.com/", want: "https://s3.example.com/minio/health/cluster"},
		{name: "a path before it", given: "a/x=https://example.com/s3//", want: "https://example.com/s3/minio/health/cluster"},
		{name: "as a monitoring has it", given: "a/x=https://s3.example.com/minio/health/cluster", want: "https://s3.example.com/minio/health/cluster"},
		{name: "IPv6", given: "a/x=http://[2001:db8::1]:9000", want: "http://[2001:db8::1]:9000/minio/health/cluster"},
		{name: "capitals", given: "a/x=HTTPS://S3.Example.Com", want: "https://s3.example.com/minio/health/cluster"},
		{name: "IPv6 without brackets", given: "a/x=http://2001:db8::1:9000", refused: "is not http[s]://HOST"},
		{name: "no scheme", given: "a/x=s3.example.com:9000", refused: "is not http[s]://HOST"},
		{name: "another scheme", given: "a/x=ftp://s3.example.com", refused: "is not http[s]://HOST"},
		{name: "a port alone", given: "a/x=http://:9000", refused: "is not http[s]://HOST"},
		{name: "a password", given: "a/x=https://me:s3cret@s3.example.com", refused: `"https://me:[redacted]@s3.example.com" is not`},
		{name: "a password with a slash", given: "a/x=https://me:s3cret/more@s3.example.com", refused: "me:[redacted]@s3.example.com"},
		{name: "a password with a sharp", given: "a/x=https://me:more#s3cret@s3.example.com", refused: "me:[redacted]@s3.example.com"},
		{name: "a password without a store", given: "https://me:s3cret@s3.example.com", refused: "expected FROM=TO"},
		{name: "a password with an equals sign, without a store", given: "https://me:s3cret=more@s3.example.com", refused: "expected NAMESPACE/NAME=URL"},
		{name: "a token", given: "a/x=https://s3.example.com?token=s3cret", refused: `"https://s3.example.com?[redacted]" is not`},
		{name: "a fragment", given: "a/x=https://s3.example.com#s3cret", refused: "is not http[s]://HOST"},
		{name: "no namespace", given: "x=https://s3.example.com", refused: "expected NAMESPACE/NAME=URL"},
		{name: "two of one store", given: "a/x=https://one.example.com a/x=https://two.example.com", refused: `"a/x" is set twice`},
		{name: "the same twice", given: "a/x=https://s3.example.com a/x=https://s3.example.com/", want: "https://s3.example.com/minio/health/cluster"},
		{name: "one of two stores", given: "a/x=https://s3.example.com b/y=https://S3.example.com/minio/health/cluster", refused: `is already used for "a/x"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := &Endpoints{list: strings.Fields(tc.given)}
			err := o.ResolveEndpoints(aProgram(), newRegistryOptions())
			if tc.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tc.refused) {
					t.Errorf("received: %v\nexpected: %s", err, tc.refused)
				}
				if err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Errorf("a secret is told: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := o.Endpoints["a/x"].String(); got != tc.want {
				t.Errorf("received %s, expected %s", got, tc.want)
			}
		})
	}
}

// A client certificate is a registry's matter, as a password is.
func TestAnEndpointGetsNoClientCertificate(t *testing.T) {
	t.Parallel()
	o, reg := &Endpoints{list: []string{"a/x=https://s3.example.com"}}, newRegistryOptions()
	reg.clientCert, reg.clientKey = aKeyPair(t)
	if err := o.ResolveEndpoints(aProgram(), reg); err != nil {
		t.Fatal(err)
	}
	if n := len(o.Endpoints["a/x"].Transport.(*http.Transport).TLSClientConfig.Certificates); n != 0 {
		t.Errorf("%d client certificates are offered", n)
	}
}

func newRegistryOptions() *Registry { return &Registry{once: &registryOnce{}} }

// aKeyPair writes a client's certificate and its key.
func aKeyPair(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func aProgram() *term.Program {
	return &term.Program{IOStreams: genericiooptions.NewTestIOStreamsDiscard(), Getenv: func(string) string { return "" }}
}
