package option

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseBytes reads the size that a flag gives: a number with kB, MB, GB or TB
// (thousands) or KiB, MiB, GiB or TiB. Empty is 0.
func ParseBytes(flag, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	units := []struct {
		name string
		size float64
	}{
		{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
		{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1}, {"", 1},
	}
	text := strings.ToLower(strings.TrimSpace(s))
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || n*u.size < 1 || n*u.size > math.MaxInt64/2 {
			break
		}
		return int64(n * u.size), nil
	}
	return 0, fmt.Errorf("reading --%s %q: expected a size such as 700MB or 4GiB", flag, s)
}
