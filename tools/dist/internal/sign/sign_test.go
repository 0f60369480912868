package sign

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// key is a new key pair: the entity, and a file with its secret part.
func key(t *testing.T, passphrase string, armored bool) (*openpgp.Entity, string) {
	t.Helper()
	e, err := openpgp.NewEntity("Releases", "", "releases@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if passphrase != "" {
		if err := e.EncryptPrivateKeys([]byte(passphrase), nil); err != nil {
			t.Fatal(err)
		}
		err = e.SerializePrivateWithoutSigning(&b, nil)
	} else {
		err = e.SerializePrivate(&b, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if armored {
		var a bytes.Buffer
		w, err := armor.Encode(&a, openpgp.PrivateKeyType, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b = a
	}
	return e, file(t, b.String())
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestProvenanceIsSignedAndNamesTheArchive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		passphrase string
		armored    bool
	}{"plain": {"", false}, "armored": {"", true}, "protected": {"open sesame", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, secret := key(t, c.passphrase, c.armored)
			k, err := Load(secret, file(t, c.passphrase+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			archive := file(t, "abc")
			if err := k.Provenance(archive, []byte("name: aistor\n")); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(archive + ".prov")
			if err != nil {
				t.Fatal(err)
			}
			block, _ := clearsign.Decode(b)
			if block == nil {
				t.Fatalf("not signed:\n%s", b)
			}
			want := "name: aistor\n...\nfiles:\n  file: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
			if got := string(block.Plaintext); got != want {
				t.Errorf("signed %q", got)
			}
			if _, err := block.VerifySignature(openpgp.EntityList{e}, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLoadSaysWhatIsWrongWithAKey(t *testing.T) {
	t.Parallel()
	e, protected := key(t, "open sesame", false)
	var public bytes.Buffer
	if err := e.Serialize(&public); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, passphrase, want string }{
		"absent":             {"/does/not/exist", "", "no such file"},
		"no key":             {file(t, "hello"), "", "reading signing key"},
		"public":             {file(t, public.String()), "", "gpg --export-secret-keys"},
		"protected":          {protected, "", "no file with its passphrase"},
		"a wrong passphrase": {protected, file(t, "xyzzy"), "opening signing key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(c.key, c.passphrase)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "xyzzy") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
