package standin

import (
	"strconv"
	"strings"
	"time"
)

// Switches choose between behaviours of the real operator that are not known.
// They come from the environment as STANDIN_<KEY> and, read live and winning,
// from the ConfigMap standin in the operator's namespace.
type Switches struct {
	// RestartOnConfigMap restarts a store of which only the operator's ConfigMap
	// changed. The default is true.
	RestartOnConfigMap bool
	// ConfigMapDelay is how long a running operator waits before it acts on a
	// changed ConfigMap. The default is 3 seconds.
	ConfigMapDelay time.Duration
	// Rollout is one-by-one, all-at-once or auto: by the server releases on
	// either side. The default is auto.
	Rollout string
	// UpdateStrategy is the StatefulSets': RollingUpdate, or OnDelete with the
	// operator deleting pods. The default is RollingUpdate.
	UpdateStrategy string
	// CopyPullSecrets copies the ConfigMap's pull secrets into the stores'
	// namespaces. The default is false.
	CopyPullSecrets bool
	// Healing is how long a restarted pod's drives heal. The default is 0, not at all.
	Healing time.Duration
	// Paused stops the operator from doing anything. The default is false.
	Paused bool
}

// DefaultSwitches returns the defaults.
func DefaultSwitches() Switches {
	return Switches{RestartOnConfigMap: true, ConfigMapDelay: 3 * time.Second, Rollout: "auto", UpdateStrategy: "RollingUpdate"}
}

// With returns the switches with those that the lookup knows laid over. The
// keys are restartOnConfigMap, configMapDelay (seconds), rollout, updateStrategy, copyPullSecrets,
// healing (seconds or none) and paused; a value that does not parse is ignored.
func (s Switches) With(lookup func(key string) string) Switches {
	s.RestartOnConfigMap = boolean(lookup("restartOnConfigMap"), s.RestartOnConfigMap)
	s.CopyPullSecrets = boolean(lookup("copyPullSecrets"), s.CopyPullSecrets)
	s.Paused = boolean(lookup("paused"), s.Paused)
	s.Rollout = oneOf(lookup("rollout"), s.Rollout, "auto", "one-by-one", "all-at-once")
	s.UpdateStrategy = oneOf(lookup("updateStrategy"), s.UpdateStrategy, "RollingUpdate", "OnDelete")
	s.ConfigMapDelay = seconds(lookup("configMapDelay"), s.ConfigMapDelay)
	s.Healing = seconds(lookup("healing"), s.Healing)
	return s
}

func seconds(text string, otherwise time.Duration) time.Duration {
	if text == "none" {
		return 0
	}
	if n, err := strconv.Atoi(text); err == nil {
		return time.Duration(n) * time.Second
	}
	return otherwise
}

// environment returns a lookup in the environment: rollout is STANDIN_ROLLOUT.
func environment(getenv func(string) string) func(string) string {
	return func(key string) string { return getenv("STANDIN_" + strings.ToUpper(key)) }
}

func boolean(text string, otherwise bool) bool {
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	return otherwise
}

func oneOf(text, otherwise string, allowed ...string) string {
	for _, a := range allowed {
		if text == a {
			return text
		}
	}
	return otherwise
}
