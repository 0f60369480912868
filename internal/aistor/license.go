package aistor

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// ErrNoLicense is what [ParseLicense] returns for empty input.
var ErrNoLicense = errors.New("no license given")

// License is a license token with what it claims. Nothing in it is verified:
// the signature needs the vendor's key, and only the operator decides.
//
// The token itself is kept out of every printed form.
type License struct {
	Claims
	// WasEncoded says that the input was the base64 of the token, which the
	// operator would refuse; the token kept here is the decoded one.
	WasEncoded bool
	token      string
}

// Claims is what the token says about itself. Times are zero where absent; a
// FREE plan has no expiry.
type Claims struct {
	Plan         string    `json:"plan,omitempty"`
	Organization string    `json:"organization,omitempty"`
	LicenseID    string    `json:"licenseID,omitempty"`
	Trial        bool      `json:"trial,omitempty"`
	IssuedAt     time.Time `json:"issuedAt,omitzero"`
	ExpiresAt    time.Time `json:"expiresAt,omitzero"`
}

// Tier is what the vendor's terms make of a license at some moment.
type Tier string

// The tiers, from the best to the worst. [TierUnlimited] is a license without
// an expiry.
const (
	TierUnlimited Tier = "no expiry"
	TierValid     Tier = "valid"
	TierWarning   Tier = "expires soon"
	TierGrace     Tier = "expired, grace period"
	TierReadOnly  Tier = "expired, read-only"
	TierNoAccess  Tier = "expired, no access"
)

const day = 24 * time.Hour

// ParseLicense reads a license as it is in a file, a Secret or the values:
// the token, or the base64 of the token, which is what the vendor's portal
// hands out for other uses. Errors never quote the input.
func ParseLicense(b []byte) (License, error) {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return License{}, ErrNoLicense
	}
	l := License{token: string(b)}
	if decoded, ok := decodeBase64Token(b); ok {
		l.token, l.WasEncoded = string(decoded), true
	}
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(l.token, claims); err != nil {
		return License{}, message.Errorf("parsing license: it is neither a token nor the base64 of one\nhint: save the license from SUBNET as it was downloaded, without quotes or line breaks")
	}
	l.Claims = readClaims(claims)
	return l, nil
}

// decodeBase64Token undoes the one layer of base64 around a token. A token starts
// with the base64 of `{"`, "eyJ", so that its base64 starts with "ZXlK".
func decodeBase64Token(b []byte) ([]byte, bool) {
	if !bytes.HasPrefix(b, []byte("ZXlK")) {
		return nil, false
	}
	b = bytes.Join(bytes.Fields(b), nil)
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if out, err := enc.DecodeString(string(b)); err == nil {
			return bytes.TrimSpace(out), true
		}
	}
	return nil, false
}

func readClaims(m jwt.MapClaims) Claims {
	c := Claims{}
	c.Plan, _ = m["plan"].(string)
	c.Organization, _ = m["org"].(string)
	c.LicenseID, _ = m["lid"].(string)
	c.Trial, _ = m["trial"].(bool)
	if t, err := m.GetIssuedAt(); err == nil && t != nil {
		c.IssuedAt = t.UTC()
	}
	if t, err := m.GetExpirationTime(); err == nil && t != nil {
		c.ExpiresAt = t.UTC()
	}
	return c
}

// Token is the license as the operator wants it. It is a secret: it belongs
// into a Secret and nowhere else.
func (l License) Token() string { return l.token }

// Tier puts the expiry against the vendor's published tiers: a warning in the
// last 30 days, grace for 30 days after, then read-only, and no access from
// 210 days after.
func (l License) Tier(now time.Time) Tier {
	if l.ExpiresAt.IsZero() {
		return TierUnlimited
	}
	return TierAt(l.ExpiresAt, now)
}

// TierAt is the tier of a license that ends at expires.
func TierAt(expires, now time.Time) Tier {
	left := expires.Sub(now)
	switch {
	case left >= 30*day:
		return TierValid
	case left > 0:
		return TierWarning
	case left > -30*day:
		return TierGrace
	case left > -210*day:
		return TierReadOnly
	default:
		return TierNoAccess
	}
}

// String describes the license without its token.
func (l License) String() string {
	switch {
	case l.token == "":
		return "no license"
	case l.ExpiresAt.IsZero():
		return fmt.Sprintf("plan %s, no expiry (unverified)", orUnknown(l.Plan))
	default:
		return fmt.Sprintf("plan %s, expires %s (unverified)", orUnknown(l.Plan), l.ExpiresAt.Format(time.DateOnly))
	}
}

// GoString keeps the token out of %#v.
func (l License) GoString() string { return "aistor.License{" + l.String() + "}" }

// Format keeps the token out of every other verb.
func (l License) Format(f fmt.State, _ rune) { fmt.Fprint(f, l.String()) }

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
