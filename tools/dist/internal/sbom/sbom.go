package sbom

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// license is that of this project, in SPDX's words.
const license = "Apache-2.0"

// Write writes file, the bill of materials of a Go program for any platform:
// its modules with their checksums from go.sum, and the standard library. The
// same program gives the same bytes: neither a clock nor a random serial
// number goes in. A file that is no Go program is an error.
func Write(file, program, version string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return fmt.Errorf("listing what %q is made of: %w", program, err)
	}
	var out bytes.Buffer
	encoder := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true)
	// One version below the newest: more tools read it.
	if err := encoder.EncodeVersion(bom(info, version), cdx.SpecVersion1_6); err != nil {
		return fmt.Errorf("writing %q: %w", file, err)
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

func bom(info *debug.BuildInfo, version string) *cdx.BOM {
	b := cdx.NewBOM()
	self := component(cdx.ComponentTypeApplication, info.Path, version, "")
	self.Licenses = &cdx.Licenses{{License: &cdx.License{ID: license}}}
	self.Properties = properties(info.Settings)
	b.Metadata = &cdx.Metadata{Component: &self}
	parts := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, component(cdx.ComponentTypeLibrary, m.Path, m.Version, m.Sum))
	}
	slices.SortFunc(parts, func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	refs := make([]string, len(parts))
	for i, p := range parts {
		refs[i] = p.BOMRef
	}
	b.Components = &parts
	b.Dependencies = &[]cdx.Dependency{{Ref: self.BOMRef, Dependencies: &refs}}
	return b
}

func component(kind cdx.ComponentType, path, version, sum string) cdx.Component {
	purl := "pkg:golang/" + path + "@" + version
	c := cdx.Component{BOMRef: purl, Type: kind, Name: path, Version: version, PackageURL: purl}
	// go.sum's h1 is a SHA-256 over the sums of a module's files.
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && len(raw) > 0 {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(raw)}}
	}
	return c
}

// properties tell how it was built: platform, cgo, trimmed paths.
func properties(settings []debug.BuildSetting) *[]cdx.Property {
	var list []cdx.Property
	for _, s := range settings {
		if strings.HasPrefix(s.Key, "-") || s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			list = append(list, cdx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	return &list
}
