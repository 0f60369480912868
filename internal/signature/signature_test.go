package signature

import (
	"errors"
	"testing"

	"aead.dev/minisign"
)

func TestOnlyTheSameBytesByTheSameKeyVerify(t *testing.T) {
	t.Parallel()
	public, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := private.MarshalText() // one with a password costs a gigabyte and a second to open
	if err != nil {
		t.Fatal(err)
	}
	sig, err := Sign([]byte("plan"), key, "", "trusted", "untrusted")
	if err != nil {
		t.Fatal(err)
	}
	if by, err := Verify([]byte("plan"), []byte(public.String()), sig); err != nil || by != public.String() {
		t.Errorf("received %q, %v", by, err)
	}
	if _, err := Verify([]byte("plan "), []byte(public.String()), sig); !errors.Is(err, ErrMismatch) {
		t.Errorf("changed bytes: %v", err)
	}
	if _, err := Verify([]byte("plan"), []byte(other.String()), sig); !errors.Is(err, ErrMismatch) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Sign([]byte("plan"), []byte("no key"), "", "", ""); err == nil {
		t.Error("garbage signs")
	}
	for _, garbage := range []string{"", "no key", "RWQ"} {
		if _, err := Verify([]byte("plan"), []byte(garbage), sig); err == nil || errors.Is(err, ErrMismatch) {
			t.Errorf("public key %q: %v", garbage, err)
		}
		if _, err := Verify([]byte("plan"), []byte(public.String()), []byte(garbage)); err == nil || errors.Is(err, ErrMismatch) {
			t.Errorf("signature %q: %v", garbage, err)
		}
	}
}
