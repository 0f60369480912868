package images_test

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Nodes and the machine that pushes may know the registry by different names.
func ExampleMirror_Map() {
	mirror := images.Mirror{
		Registry:     "registry.site.example",
		PushRegistry: "registry.dmz.example:5000",
		Prefix:       "aistor",
	}
	ref, err := images.ParseRef("quay.io/minio/aistor/minio:RELEASE.2025-01-01T00-00-00Z")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("push:", mirror.MapPush(ref))
	fmt.Println("pull:", mirror.Map(ref))
	// Output:
	// push: registry.dmz.example:5000/aistor/aistor/minio:RELEASE.2025-01-01T00-00-00Z
	// pull: registry.site.example/aistor/aistor/minio:RELEASE.2025-01-01T00-00-00Z
}

func ExampleDiscover() {
	object, err := images.ParseObject([]byte(`
kind: Deployment
metadata: {namespace: aistor, name: operator}
spec:
  template:
    spec:
      containers:
      - image: quay.io/minio/aistor/operator:v1.2.3
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	list, err := images.Discover(images.DiscoverInput{
		Objects: []images.DiscoverObject{{Object: object, Chart: "aistor-operator-1.2.3"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, image := range list {
		fmt.Println(image.Ref)
		for _, reason := range image.Reasons {
			fmt.Println(" ", reason.Kind, reason.Object, reason.Path)
		}
	}
	// Output:
	// quay.io/minio/aistor/operator:v1.2.3
	//   default Deployment/aistor/operator .spec.template.spec.containers[0].image
}

// A wanted platform without a variant takes any variant.
func ExampleMatchPlatform() {
	fmt.Println(images.MatchPlatform("linux/arm", "linux/arm/v7"))
	fmt.Println(images.MatchPlatform("linux/arm", "linux/arm64"))
	// Output:
	// true
	// false
}

// Charts are pushed beside the images. A tag has no "+", so that Helm writes "_".
func ExampleDestination() {
	mirror := images.Mirror{Registry: "registry.site.example", Prefix: "aistor"}
	chart := images.Artifact{Kind: images.ArtifactChart, Name: "aistor-operator", Version: "1.2.3+build"}
	fmt.Println(images.Destination(chart, mirror, ""))
	// Output:
	// registry.site.example/aistor/charts/aistor-operator:1.2.3_build
}
