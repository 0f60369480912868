package aistor_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// makeToken is a license with the header of real ones and a signature of nothing.
func makeToken(claims string) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(`{"alg":"ES384","typ":"JWT"}`)) + "." + enc.EncodeToString([]byte(claims)) + "." + enc.EncodeToString(make([]byte, 96))
}

const claims = `{"sub":"a@example.com","org":"ACME","lid":"L-1","plan":"ENTERPRISE","iat":1700000000,"exp":1800000000,"apiKey":"SECRET-KEY","trial":false}`

func TestLicenseIsReadInBothForms(t *testing.T) {
	t.Parallel()
	raw := makeToken(claims)
	for name, tc := range map[string]struct {
		input   string
		encoded bool
	}{
		"the token":                       {raw, false},
		"with a line break":               {"\n" + raw + "\r\n", false},
		"base64 of the token":             {base64.StdEncoding.EncodeToString([]byte(raw)), true},
		"base64 without padding":          {base64.RawStdEncoding.EncodeToString([]byte(raw)), true},
		"base64 of the token with a line": {base64.StdEncoding.EncodeToString([]byte(raw + "\n")), true},
		"base64 in lines of 76":           {encodeBase64(base64.StdEncoding.EncodeToString([]byte(raw))), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := aistor.ParseLicense([]byte(tc.input))
			if err != nil {
				t.Fatal(err)
			}
			if l.WasEncoded != tc.encoded || l.Token() != raw {
				t.Errorf("encoded %v, token right: %v", l.WasEncoded, l.Token() == raw)
			}
			if l.Plan != "ENTERPRISE" || l.Organization != "ACME" || !l.ExpiresAt.Equal(time.Unix(1800000000, 0)) {
				t.Errorf("claims %+v", l.Claims)
			}
		})
	}
}

func encodeBase64(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 76 {
		b.WriteString(s[i:min(i+76, len(s))] + "\n")
	}
	return b.String()
}

func TestLicenseTiers(t *testing.T) {
	t.Parallel()
	l, err := aistor.ParseLicense([]byte(makeToken(claims)))
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for offset, want := range map[time.Duration]aistor.Tier{
		-31 * day: aistor.TierValid, -29 * day: aistor.TierWarning, 0: aistor.TierGrace, 29 * day: aistor.TierGrace,
		30 * day: aistor.TierReadOnly, 209 * day: aistor.TierReadOnly, 210 * day: aistor.TierNoAccess,
	} {
		if got := l.Tier(l.ExpiresAt.Add(offset)); got != want {
			t.Errorf("%v after expiry: %s, want %s", offset, got, want)
		}
	}
	free, err := aistor.ParseLicense([]byte(makeToken(`{"plan":"FREE"}`)))
	if err != nil || free.Tier(time.Now()) != aistor.TierUnlimited {
		t.Errorf("a license without expiry: %v, %v", free.Tier(time.Now()), err)
	}
}

func TestLicenseIsNeverPrinted(t *testing.T) {
	t.Parallel()
	raw := makeToken(claims)
	l, err := aistor.ParseLicense([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, _ := json.Marshal(l)
	for _, s := range []string{fmt.Sprint(l), fmt.Sprintf("%+v %#v %s %q %x", l, l, l, l, l), fmt.Sprintf("%v", &l), string(asJSON)} {
		if strings.Contains(s, raw[:20]) || strings.Contains(s, "SECRET-KEY") {
			t.Errorf("the license is in %q", s)
		}
	}
	_, err = aistor.ParseLicense([]byte("SOMETHING-SECRET"))
	if err == nil || strings.Contains(err.Error(), "SOMETHING") {
		t.Errorf("error %v", err)
	}
	if _, err := aistor.ParseLicense([]byte(" \n")); !errors.Is(err, aistor.ErrNoLicense) {
		t.Errorf("error %v, want ErrNoLicense", err)
	}
}
