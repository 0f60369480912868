package cli

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
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// chartOptions say where charts come from.
type chartOptions struct {
	charts []string
	repo   string
}

func (o *chartOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.charts, "chart", nil, "chart to use instead of the repository's: a .tgz file, a directory or an oci:// reference (can be repeated)")
	fs.StringVar(&o.repo, "repo", o.repo, "chart repository")
}

// chartPuller loads charts with the trust and the credentials of the verb.
type chartPuller struct {
	chartOptions
	program *Program
	reg     *registryOptions
	client  *registry.Client
}

// loadChart loads one chart: a path and an oci:// reference say where, a name is
// looked up in the repository. Intermediate versions have only a name, so with
// charts from a directory or a registry they are looked for beside the others.
func (o *chartPuller) loadChart(ctx context.Context, w bundlespec.ChartRequest) (*chart.Chart, error) {
	if !strings.ContainsAny(w.Ref, "/\\") && !strings.HasSuffix(w.Ref, ".tgz") {
		if file := siblingChart(o.charts, w); file != "" {
			return chart.Load(file)
		}
		if i := slices.IndexFunc(o.charts, func(c string) bool { return strings.HasPrefix(c, ociScheme) }); i >= 0 {
			w.Ref = o.charts[i][:strings.LastIndexByte(o.charts[i], '/')+1] + w.Ref
			return o.fetchFromRegistry(ctx, w)
		}
		return chart.Pull(ctx, o.helmPullOptions(w, o.repo))
	}
	if strings.HasPrefix(w.Ref, ociScheme) {
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

func (o *chartPuller) helmPullOptions(w bundlespec.ChartRequest, repo string) chart.PullOptions {
	opts := chart.PullOptions{
		Limit: o.client.LimitSilence, Ref: w.Ref, Version: w.Version, RepoURL: repo,
		Helm: chart.HelmSettings{
			RepositoryConfig: o.program.Getenv("HELM_REPOSITORY_CONFIG"),
			RepositoryCache:  o.program.Getenv("HELM_REPOSITORY_CACHE"),
			RegistryConfig:   o.program.Getenv("HELM_REGISTRY_CONFIG"),
		},
	}
	opts.Check = o.client.CheckRequest
	// A repository that Helm knows by name keeps the trust it was added with.
	if u, err := url.Parse(cmp.Or(repo, w.Ref)); err == nil && (u.Host != "" || len(o.reg.caFiles) > 0) {
		opts.Transport = o.client.TransportFor(u.Host)
		opts.PlainHTTP = slices.Contains(o.reg.plainHTTP, u.Host) || slices.Contains(o.reg.plainHTTP, u.Hostname())
	}
	return opts
}

// fetchFromRegistry takes a chart out of a registry as images are taken, with the same
// trust, credentials, mirrors and retries. Only where no version is named is
// Helm left to find the newest.
func (o *chartPuller) fetchFromRegistry(ctx context.Context, w bundlespec.ChartRequest) (*chart.Chart, error) {
	ref, err := images.ParseRef(strings.TrimPrefix(w.Ref, ociScheme))
	if err != nil {
		return nil, fmt.Errorf("pulling chart %q: %w", w.Ref, err)
	}
	if w.Version != "" {
		ref.Tag = strings.ReplaceAll(w.Version, "+", "_")
	}
	if ref.Tag == "" && ref.Digest == "" {
		return chart.Pull(ctx, o.helmPullOptions(w, ""))
	}
	data, err := fetchChart(ctx, o.client, ref)
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
