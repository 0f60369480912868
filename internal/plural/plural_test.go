package plural_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

func TestANumberAgreesWithItsNounAndVerb(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		plural.Count(0, "pod"):               "0 pods",
		plural.Count(1, "pod"):               "1 pod",
		plural.Count(2, "day"):               "2 days",
		plural.Count(2, "registry"):          "2 registries",
		plural.CountAll(1, "pod"):            "the only pod",
		plural.CountAll(4, "pod"):            "all 4 pods",
		plural.CountIs(1, "image"):           "1 image is",
		plural.CountIs(3, "image"):           "3 images are",
		plural.CountHas(1, "webhook"):        "1 webhook has",
		plural.CountHas(0, "webhook"):        "0 webhooks have",
		plural.CountDoes(1, "image", "come"): "1 image comes",
		plural.CountDoes(2, "image", "come"): "2 images come",
		plural.CountTimes(1):                 "once",
		plural.CountTimes(2):                 "2 times",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
