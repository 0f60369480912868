package preflight

import (
	"fmt"
	"strings"
)

// count is a number with its noun: "1 pod", "2 pods", "2 days", "2 registries".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// times is how often something was seen.
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// are begins a sentence: "1 pod is", "2 pods are".
func are(n int, noun string) string {
	return count(n, noun) + map[bool]string{true: " is", false: " are"}[n == 1]
}

// have begins another one: "1 webhook has", "2 webhooks have".
func have(n int, noun string) string {
	return count(n, noun) + map[bool]string{true: " has", false: " have"}[n == 1]
}
