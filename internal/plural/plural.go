package plural

import (
	"fmt"
	"strings"
)

// Count is a number with its noun, which is given in the singular: "1 pod",
// "2 pods", "2 days", "2 registries". Nouns with another plural are not known.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// CountAll is every one of them: "all 4 pods", "the only pod".
func CountAll(n int, noun string) string { return pickForm(n, "the only "+noun, "all "+Count(n, noun)) }

// CountIs begins a sentence: "1 pod is", "2 pods are".
func CountIs(n int, noun string) string { return Count(n, noun) + pickForm(n, " is", " are") }

// CountHas begins another one: "1 webhook has", "2 webhooks have".
func CountHas(n int, noun string) string { return Count(n, noun) + pickForm(n, " has", " have") }

// CountDoes is what so many do, by a regular verb: "1 image comes", "2 images come".
func CountDoes(n int, noun, verb string) string {
	return Count(n, noun) + " " + verb + pickForm(n, "s", "")
}

// CountTimes is how often something was seen: "once", "2 times".
func CountTimes(n int) string { return pickForm(n, "once", fmt.Sprintf("%d times", n)) }

func pickForm(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
