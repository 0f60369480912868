package standin

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// ImageConfig is what the operator's ConfigMap says about one image.
type ImageConfig struct {
	Image           string `json:"image"`
	ImagePullPolicy string `json:"imagePullPolicy"`
	// ImagePullSecrets are names of Secrets.
	ImagePullSecrets []struct {
		Name string `json:"name"`
	} `json:"imagePullSecrets"`
	Env []map[string]any `json:"env"`
}

// Config is the ConfigMap object-store-operator, by image name.
type Config map[string]ImageConfig

// ParseConfig reads the ConfigMap, whose values are strings that hold YAML.
func ParseConfig(configMap Object) (Config, error) {
	config := Config{}
	for key, value := range configMap.Map("data") {
		text, _ := value.(string)
		var image ImageConfig
		if err := yaml.Unmarshal([]byte(text), &image); err != nil {
			return nil, fmt.Errorf("parsing image %q of ConfigMap %q: %w", key, configMap.Name(), err)
		}
		config[key] = image
	}
	return config, nil
}

// PullSecrets returns the names of the pull secrets of those images, each once.
func (c Config) PullSecrets(images ...string) []string {
	var names []string
	seen := map[string]bool{}
	for _, image := range images {
		for _, secret := range c[image].ImagePullSecrets {
			if !seen[secret.Name] {
				seen[secret.Name] = true
				names = append(names, secret.Name)
			}
		}
	}
	return names
}
