package option

import (
	"os"
	"path/filepath"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
)

// credentialFiles names the files in which users already keep credentials:
// docker's, Podman's and Helm's own places, or the one given by flag. Files
// that do not exist are passed over.
func (o *Registry) credentialFiles(p *term.Program, opts *registry.Options) {
	defer func() {
		for _, name := range append(opts.DockerConfigs, opts.PodmanAuth, opts.HelmRegistryConfig) {
			if b, err := os.ReadFile(name); err == nil {
				p.Redactor().AddDockerConfig(b)
			}
		}
	}()
	if o.dockerConfig != "" {
		opts.DockerConfigs = []string{o.dockerConfig}
		return
	}
	home := p.Getenv("HOME")
	if dir := p.Getenv("DOCKER_CONFIG"); dir != "" {
		opts.DockerConfigs = []string{filepath.Join(dir, "config.json")}
	} else if home != "" {
		opts.DockerConfigs = []string{filepath.Join(home, ".docker", "config.json")}
	}
	opts.PodmanAuth = p.Getenv("REGISTRY_AUTH_FILE")
	if opts.PodmanAuth == "" {
		if run := p.Getenv("XDG_RUNTIME_DIR"); run != "" {
			opts.PodmanAuth = filepath.Join(run, "containers", "auth.json")
		}
	}
	opts.HelmRegistryConfig = p.Getenv("HELM_REGISTRY_CONFIG")
	if opts.HelmRegistryConfig == "" && home != "" {
		opts.HelmRegistryConfig = filepath.Join(home, ".config", "helm", "registry", "config.json")
	}
}
