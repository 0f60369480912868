package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	for name, p := range map[string][2]string{"missing": {"none", "none"}, "swapped": {key, cert}} {
		if _, err := New(Options{ClientCert: p[0], ClientKey: p[1]}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(Options{ClientCert: cert, ClientKey: key}); err != nil {
		t.Error(err)
	}
	if _, err := New(Options{CAFiles: []string{key}}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("a key as CA: %v", err)
	}
}

func selfSigned(t testing.TB) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kd, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	writeFile(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, key, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: kd}))
	return cert, key
}

func writeFile(t testing.TB, p string, b []byte) {
	t.Helper()
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func dockerConfig(auths map[string]string) []byte {
	var parts []string
	for k, v := range auths {
		parts = append(parts, fmt.Sprintf("%q:{\"auth\":%q}", k, base64.StdEncoding.EncodeToString([]byte(v))))
	}
	return []byte(`{"auths":{` + strings.Join(parts, ",") + `}}`)
}
