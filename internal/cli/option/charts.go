package option

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundlespec"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ChartSource says where charts come from.
type ChartSource struct {
	Charts []string
	Repo   string
}

// AddFlags registers the flags of the group.
func (o *ChartSource) AddFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.Charts, "chart", nil, "chart to use instead of the repository's: a .tgz file, a directory or an oci:// reference (can be repeated)")
	fs.StringVar(&o.Repo, "repo", o.Repo, "chart repository")
}

// ChartPuller loads charts with the trust and the credentials of the verb.
type ChartPuller struct {
	ChartSource
	Program *term.Program
	Reg     *Registry
	Client  *registry.Client
}

// LoadChart loads one chart: a path and an oci:// reference say where, a name is
// looked up in the repository. Intermediate versions have only a name, so with
// charts from a directory or a registry they are looked for beside the others.
func (o *ChartPuller) LoadChart(ctx context.Context, w bundlespec.ChartRequest) (*chart.Chart, error) {
	if !strings.ContainsAny(w.Ref, "/\\") && !strings.HasSuffix(w.Ref, ".tgz") {
		if file := siblingChart(o.Charts, w); file != "" {
			return chart.Load(file)
		}
		if i := slices.IndexFunc(o.Charts, func(c string) bool { return strings.HasPrefix(c, OCIScheme) }); i >= 0 {
			w.Ref = o.Charts[i][:strings.LastIndexByte(o.Charts[i], '/')+1] + w.Ref
			return o.fetchFromRegistry(ctx, w)
		}
		return chart.Pull(ctx, o.helmPullOptions(w, o.Repo))
	}
	if strings.HasPrefix(w.Ref, OCIScheme) {
		return o.fetchFromRegistry(ctx, w)
	}
	return chart.Pull(ctx, o.helmPullOptions(w, ""))
}

// siblingChart looks for name-version.tgz in the directories of the given charts.
func siblingChart(charts []string, w bundlespec.ChartRequest) string {
	for _, c := range charts {
		file := filepath.Join(filepath.Dir(c), w.Ref+"-"+w.Version+".tgz")
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

func (o *ChartPuller) helmPullOptions(w bundlespec.ChartRequest, repo string) chart.PullOptions {
	opts := chart.PullOptions{
		Limit: o.Client.LimitSilence, Ref: w.Ref, Version: w.Version, RepoURL: repo,
		Helm: chart.HelmSettings{
			RepositoryConfig: o.Program.Getenv("HELM_REPOSITORY_CONFIG"),
			RepositoryCache:  o.Program.Getenv("HELM_REPOSITORY_CACHE"),
			RegistryConfig:   o.Program.Getenv("HELM_REGISTRY_CONFIG"),
		},
	}
	opts.Check = o.Client.CheckRequest
	// A repository that Helm knows by name keeps the trust it was added with.
	if u, err := url.Parse(cmp.Or(repo, w.Ref)); err == nil && (u.Host != "" || len(o.Reg.caFiles) > 0) {
		opts.Transport = o.Client.TransportFor(u.Host)
		opts.PlainHTTP = slices.Contains(o.Reg.plainHTTP, u.Host) || slices.Contains(o.Reg.plainHTTP, u.Hostname())
	}
	return opts
}

// fetchFromRegistry takes a chart out of a registry as images are taken, with the same
// trust, credentials, mirrors and retries. Only where no version is named is
// Helm left to find the newest.
func (o *ChartPuller) fetchFromRegistry(ctx context.Context, w bundlespec.ChartRequest) (*chart.Chart, error) {
	ref, err := images.ParseRef(strings.TrimPrefix(w.Ref, OCIScheme))
	if err != nil {
		return nil, fmt.Errorf("pulling chart %q: %w", w.Ref, err)
	}
	if w.Version != "" {
		ref.Tag = strings.ReplaceAll(w.Version, "+", "_")
	}
	if ref.Tag == "" && ref.Digest == "" {
		return chart.Pull(ctx, o.helmPullOptions(w, ""))
	}
	data, err := fetchChart(ctx, o.Client, ref)
	if err != nil {
		return nil, fmt.Errorf("pulling chart %q: %w", w.Ref, err)
	}
	return chart.LoadData(data)
}

// chartContent is the media type of a chart's archive.
const chartContent = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// maxChartBytes is far above any chart, and far below what memory bears.
const maxChartBytes = 64 << 20

func fetchChart(ctx context.Context, f images.Fetcher, ref images.Ref) ([]byte, error) {
	raw, mediaType, _, err := f.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(node.Blobs, func(d images.Descriptor) bool { return d.MediaType == chartContent })
	if i < 0 || node.Blobs[i].Size > maxChartBytes {
		return nil, fmt.Errorf("%q is not a chart", ref)
	}
	rc, err := images.OpenResuming(ctx, f, ref, node.Blobs[i].Digest, 0)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, node.Blobs[i].Size+1))
	if err != nil {
		return nil, err
	}
	if got := images.DigestOf(data); got != node.Blobs[i].Digest {
		return nil, message.Errorf("digest mismatch\nreceived: %s\nexpected: %s", got, node.Blobs[i].Digest)
	}
	return data, nil
}

// SourceHosts are those that charts come from.
func (o *ChartSource) SourceHosts() []string {
	var out []string
	sources := o.Charts
	if len(sources) == 0 {
		sources = []string{o.Repo}
	}
	for _, s := range sources {
		if u, err := url.Parse(s); err == nil && strings.Contains(s, "://") && u.Host != "" {
			out = append(out, u.Host)
		}
	}
	return out
}

// ProbeImageBlob goes all the way to the bytes of an image's config, and reads none.
func ProbeImageBlob(ctx context.Context, client *registry.Client, ref images.Ref) error {
	raw, mediaType, _, err := client.Manifest(ctx, ref)
	if err != nil {
		return err
	}
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil {
		return err
	}
	if len(node.Manifests) > 0 {
		child := ref
		child.Digest = node.Manifests[0].Digest
		return ProbeImageBlob(ctx, client, child)
	}
	if len(node.Blobs) == 0 {
		return nil
	}
	var rc io.ReadCloser
	if rc, _, err = client.OpenBlob(ctx, ref, node.Blobs[0].Digest, 0); err != nil {
		return err
	}
	return rc.Close()
}
