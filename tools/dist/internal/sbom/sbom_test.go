package sbom

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// This module's own program has known modules in it.
func TestTheBillListsTheModulesOfAProgram(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "dist")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../..").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	var written [2]string
	for i := range written {
		file := filepath.Join(t.TempDir(), "x.cdx.json")
		if err := Write(file, program, "1.2.3"); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		written[i] = string(b)
	}
	if written[0] != written[1] {
		t.Error("the same program gives two bills")
	}
	var bill cdx.BOM
	if err := cdx.NewBOMDecoder(strings.NewReader(written[0]), cdx.BOMFileFormatJSON).Decode(&bill); err != nil {
		t.Fatal(err)
	}
	if got := bill.Metadata.Component; got.Version != "1.2.3" || !strings.HasSuffix(got.Name, "/tools/dist") {
		t.Errorf("the program is %s %s", got.Name, got.Version)
	}
	found := map[string]cdx.Component{}
	for _, c := range *bill.Components {
		found[c.Name] = c
	}
	if found["std"].Version == "" {
		t.Error("the standard library is not listed")
	}
	module := found["github.com/CycloneDX/cyclonedx-go"]
	if !strings.HasPrefix(module.Version, "v0.") || module.Hashes == nil || len((*module.Hashes)[0].Value) != 64 {
		t.Errorf("the module that writes the bill is listed as %+v", module)
	}
}

func TestWhatIsNoGoProgramHasNoBill(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.cdx.json")
	if err := Write(file, "sbom_test.go", "1.2.3"); err == nil || !strings.Contains(err.Error(), "sbom_test.go") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a bill was written")
	}
}
