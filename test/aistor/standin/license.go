package standin

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// expiry returns when the license in that Secret ends; false without an end or
// without a license. The signature is not checked.
func expiry(secret Object) (time.Time, bool) {
	text, err := base64.StdEncoding.DecodeString(secret.Text("data", "minio.license"))
	if err != nil {
		return time.Time{}, false
	}
	parts := strings.Split(strings.TrimSpace(string(text)), ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	var body struct {
		Expires int64 `json:"exp"`
	}
	if json.Unmarshal(claims, &body) != nil || body.Expires == 0 {
		return time.Time{}, false
	}
	return time.Unix(body.Expires, 0).UTC(), true
}
