package words_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
)

func TestANumberAgreesWithItsNounAndVerb(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		words.Count(0, "pod"):        "0 pods",
		words.Count(1, "pod"):        "1 pod",
		words.Count(2, "day"):        "2 days",
		words.Count(2, "registry"):   "2 registries",
		words.All(1, "pod"):          "the only pod",
		words.All(4, "pod"):          "all 4 pods",
		words.Are(1, "image"):        "1 image is",
		words.Are(3, "image"):        "3 images are",
		words.Have(1, "webhook"):     "1 webhook has",
		words.Have(0, "webhook"):     "0 webhooks have",
		words.Do(1, "image", "come"): "1 image comes",
		words.Do(2, "image", "come"): "2 images come",
		words.Times(1):               "once",
		words.Times(2):               "2 times",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
