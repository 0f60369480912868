package chart

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/helmpath"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// PullOptions say which chart to fetch and how. Ref is all that is needed for
// a path or an oci:// reference.
type PullOptions struct {
	// Ref is a path, an oci:// reference, an http(s) URL of an archive,
	// "REPO/NAME" of a repository Helm knows, or with RepoURL a bare name.
	Ref string
	// Version is the chart's; the default is the newest stable one. A path and
	// a URL have only one.
	Version string
	// RepoURL is the chart repository that has Ref.
	RepoURL string

	// Transport carries the requests. It decides about trust and proxies; the
	// default has the trust that Helm knows the repository by.
	Transport *http.Transport
	// Check is asked before each request, redirects included, and may refuse it
	// or take credentials from it. The default refuses plain http.
	Check func(*http.Request) error
	// Limit, where set, gives a transport limits of its own, in place of Timeout.
	Limit              func(*http.Transport) *http.Transport
	PlainHTTP          bool
	Username, Password string
	Helm               HelmSettings
	// Timeout is for each request where there is no Limit; the default is 15
	// minutes, because a proxy may hold an archive back until it has scanned it.
	Timeout time.Duration
	// Wait sleeps before a request that broke is tried again. The default
	// sleeps.
	Wait func(ctx context.Context, d time.Duration) error
}

// HelmSettings are the files of the user's Helm. Empty fields have Helm's own
// defaults.
type HelmSettings struct {
	RepositoryConfig string
	RepositoryCache  string
	RegistryConfig   string
}

func (s HelmSettings) withDefaults() HelmSettings {
	return HelmSettings{
		RepositoryConfig: cmp.Or(s.RepositoryConfig, helmpath.ConfigPath("repositories.yaml")),
		RepositoryCache:  cmp.Or(s.RepositoryCache, helmpath.CachePath("repository")),
		RegistryConfig:   cmp.Or(s.RegistryConfig, helmpath.ConfigPath("registry", "config.json")),
	}
}

// Pull fetches one chart. A path is read where it is; anything else goes over
// the network with Helm's own getters, so that what works with "helm pull"
// works here. Cancelling ctx returns at once; the request under way ends by
// itself.
//
// An index's digest is checked where the chart came through RepoURL.
func Pull(ctx context.Context, o PullOptions) (*Chart, error) {
	if o.RepoURL == "" && !strings.Contains(o.Ref, "://") {
		if _, err := os.Stat(o.Ref); err == nil {
			return Load(o.Ref)
		}
		if strings.HasSuffix(o.Ref, ".tgz") || strings.HasPrefix(o.Ref, ".") || filepath.IsAbs(o.Ref) {
			return Load(o.Ref)
		}
	}
	for attempt := 1; ; attempt++ {
		c, err := pullOnce(ctx, o)
		if err == nil {
			return c, nil
		}
		if ctx.Err() == nil && attempt < maxPullAttempts && isTransient(err) && !(attempt >= maxSilentPulls && timedOut(err)) {
			if err = o.waitRetry(ctx, time.Second<<attempt); err == nil {
				continue
			}
		}
		return nil, message.Errorf("pulling chart %q: %w%s", o.Ref, err, message.Layout(pullHint(o)))
	}
}

func pullOnce(ctx context.Context, o PullOptions) (*Chart, error) {
	type result struct {
		c   *Chart
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := pullChart(o)
		done <- result{c, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-done:
		return r.c, r.err
	}
}

func pullHint(o PullOptions) string {
	name := o.Ref[strings.LastIndexByte(o.Ref, '/')+1:]
	if name == aistor.OperatorChartOld && !aistor.VersionBefore(o.Version, aistor.OperatorRenamedAt) {
		return fmt.Sprintf("\nhint: since %s the chart is called %s", aistor.OperatorRenamedAt, aistor.OperatorChart)
	}
	if name == aistor.OperatorChart && aistor.VersionBefore(o.Version, aistor.OperatorRenamedAt) {
		return fmt.Sprintf("\nhint: before %s the chart was called %s", aistor.OperatorRenamedAt, aistor.OperatorChartOld)
	}
	return ""
}

func pullChart(o PullOptions) (*Chart, error) {
	settings := o.Helm.withDefaults()
	dir, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	if o, err = o.limited(settings); err != nil {
		return nil, err
	}
	options := o.getterOptions()
	d := downloader.ChartDownloader{
		Out: io.Discard, Verify: downloader.VerifyNever, Getters: getterProviders(),
		RepositoryConfig: settings.RepositoryConfig, RepositoryCache: settings.RepositoryCache,
	}
	ref, digest := o.Ref, ""
	switch {
	case registry.IsOCI(o.Ref):
		client, err := o.registryClient(settings)
		if err != nil {
			return nil, err
		}
		d.RegistryClient = client
		options = append(options, getter.WithRegistryClient(client))
	case o.RepoURL != "":
		if ref, digest, err = o.findInRepository(dir); err != nil {
			return nil, err
		}
	}
	d.Options = options
	path, _, err := d.DownloadTo(ref, o.Version, dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := LoadData(data)
	if err != nil {
		return nil, err
	}
	if digest != "" && digest != c.SHA256 {
		return nil, message.Errorf("digest mismatch with the repository index\nreceived: sha256 %s\nexpected: sha256 %s", c.SHA256, digest)
	}
	return c, nil
}

// findInRepository asks the repository's index for the archive's URL and
// digest. Helm's own search keeps the index in the user's cache; a one-off
// search leaves nothing behind.
func (o PullOptions) findInRepository(dir string) (url, digest string, err error) {
	g, err := getterProviders().ByScheme(urlScheme(o.RepoURL))
	if err != nil {
		return "", "", err
	}
	index, err := g.Get(strings.TrimSuffix(o.RepoURL, "/")+"/index.yaml", o.getterOptions()...)
	if err != nil {
		return "", "", fmt.Errorf("reading the index of %s: %w", o.RepoURL, err)
	}
	path := filepath.Join(dir, "index.yaml")
	if err := safefile.Write(path, index.Bytes(), 0o600); err != nil {
		return "", "", err
	}
	file, err := repo.LoadIndexFile(path)
	if err != nil {
		return "", "", fmt.Errorf("reading the index of %s: %w", o.RepoURL, err)
	}
	cv, err := file.Get(o.Ref, o.Version)
	if err != nil || len(cv.URLs) == 0 {
		return "", "", fmt.Errorf("chart %s version %q is not in the index of %s", o.Ref, cmp.Or(o.Version, "newest"), o.RepoURL)
	}
	url, err = repo.ResolveReferenceURL(o.RepoURL, cv.URLs[0])
	return url, strings.TrimPrefix(cv.Digest, "sha256:"), err
}

func (o PullOptions) getterOptions() []getter.Option {
	timeout := o.Timeout
	if timeout == 0 && o.Limit == nil {
		timeout = 15 * time.Minute
	}
	options := []getter.Option{
		getter.WithBasicAuth(o.Username, o.Password),
		getter.WithPlainHTTP(o.PlainHTTP),
		getter.WithTimeout(timeout),
	}
	if o.Transport != nil {
		options = append(options, getter.WithTransport(o.Transport))
	}
	if o.RepoURL != "" {
		// Credentials go to the repository's host alone.
		options = append(options, getter.WithURL(o.RepoURL))
	}
	return options
}

func (o PullOptions) registryClient(s HelmSettings) (*registry.Client, error) {
	options := []registry.ClientOption{
		registry.ClientOptWriter(io.Discard), registry.ClientOptCredentialsFile(s.RegistryConfig),
	}
	if o.Username != "" || o.Password != "" {
		options = append(options, registry.ClientOptBasicAuth(o.Username, o.Password))
	}
	if o.PlainHTTP {
		options = append(options, registry.ClientOptPlainHTTP())
	}
	if o.Transport != nil {
		options = append(options, registry.ClientOptHTTPClient(&http.Client{Transport: o.Transport}))
	}
	return registry.NewClient(options...)
}

func getterProviders() getter.Providers {
	return getter.Providers{
		{Schemes: []string{"http", "https"}, New: getter.NewHTTPGetter},
		{Schemes: []string{registry.OCIScheme}, New: getter.NewOCIGetter},
	}
}

func urlScheme(url string) string {
	s, _, _ := strings.Cut(url, "://")
	return s
}
