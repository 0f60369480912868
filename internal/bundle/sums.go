package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// writeSums writes SHA256SUMS and a list of contents beside the parts, so that
// plain tools and people on the way know what they carry.
func writeSums(p *parts, m Manifest) ([]string, error) {
	var sums strings.Builder
	for i := range p.files {
		n := partName(p.base, i+1)
		sum, err := hashFile(n + partialSuffix)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, filepath.Base(n))
	}
	files := sumsFiles(p.base)
	for i, text := range []string{sums.String(), contentsText(m, len(p.files))} {
		if err := safefile.Write(files[i], []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// sumsFiles are the names of both.
func sumsFiles(base string) []string { return []string{base + ".SHA256SUMS", base + ".CONTENTS"} }

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, f, make([]byte, hashBuffer)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// contentsText lists a bundle for people.
func contentsText(m Manifest, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "AIStor upgrade bundle in %d parts. All parts are required and need not be joined.\n\nCharts:\n", n)
	for _, c := range m.Charts {
		fmt.Fprintf(&b, "  %s-%s.tgz  %s\n", c.Name, c.Version, c.SHA256)
	}
	b.WriteString("\nImages:\n")
	for _, e := range m.Images {
		fmt.Fprintf(&b, "  %s  %s  %s\n", e.Ref, e.Digest, strings.Join(e.Platforms, ","))
	}
	for i, r := range m.Referrers {
		if i == 0 {
			b.WriteString("\nSignatures and other image referrers:\n")
		}
		fmt.Fprintf(&b, "  %s  %s\n", r.Ref, r.Digest)
	}
	return b.String()
}
