package words

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

// All is every one of them: "all 4 pods", "the only pod".
func All(n int, noun string) string { return either(n, "the only "+noun, "all "+Count(n, noun)) }

// Are begins a sentence: "1 pod is", "2 pods are".
func Are(n int, noun string) string { return Count(n, noun) + either(n, " is", " are") }

// Have begins another one: "1 webhook has", "2 webhooks have".
func Have(n int, noun string) string { return Count(n, noun) + either(n, " has", " have") }

// Do is what so many do, by a regular verb: "1 image comes", "2 images come".
func Do(n int, noun, verb string) string { return Count(n, noun) + " " + verb + either(n, "s", "") }

// Times is how often something was seen: "once", "2 times".
func Times(n int) string { return either(n, "once", fmt.Sprintf("%d times", n)) }

func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
