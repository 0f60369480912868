[[ if atLeast "5.5.0" -]]
{{/* {name, values, own} -> full reference; own.image, where set, wins */}}
{{- define "fixture.image" -}}
{{- $ref := "" -}}
{{- if .own.image -}}
{{- $ref = .own.image -}}
{{- else -}}
{{- $entry := index (.values.images | default dict) .name -}}
{{- if not $entry -}}
{{- fail (printf "Image '%s' not found in images definition" .name) -}}
{{- end -}}
{{- if kindIs "string" $entry -}}
{{- $ref = $entry -}}
{{- else -}}
{{- if not $entry.repository -}}
{{- fail (printf "Image definition for '%s' must have a 'repository' field" .name) -}}
{{- end -}}
{{- $repository := index (.values.repositories | default dict) $entry.repository -}}
{{- if not $repository -}}
{{- fail (printf "Unknown repository '%s' for image '%s'" $entry.repository .name) -}}
{{- end -}}
{{- if not $entry.image -}}
{{- fail (printf "Image definition for '%s' must have an 'image' field" .name) -}}
{{- end -}}
{{- $ref = printf "%s%s" ($repository.pathPrefix | default "") $entry.image -}}
{{- with $repository.hostname -}}{{- $ref = printf "%s/%s" . $ref -}}{{- end -}}
{{- end -}}
{{- end -}}
[[- if atLeast "5.10.0" ]]
{{- if .values.global.fipsMode -}}
{{- if contains "@" $ref -}}
{{- fail (printf "global.fipsMode cannot append a .fips tag to digest-pinned image %q; use a tag-based reference or disable global.fipsMode" $ref) -}}
{{- end -}}
{{- if not (contains ":" (last (splitList "/" $ref))) -}}
{{- fail (printf "global.fipsMode cannot append a .fips tag to untagged image %q; specify an explicit tag or disable global.fipsMode" $ref) -}}
{{- end -}}
{{- $ref = printf "%s.fips" $ref -}}
{{- end -}}
[[- end ]]
{{- $ref -}}
{{- end -}}

{{/* {name, values} -> JSON of the repository the image comes from, {} for a string image */}}
{{- define "fixture.repository" -}}
{{- $entry := index (.values.images | default dict) .name -}}
{{- $repository := dict -}}
{{- if kindIs "map" $entry -}}
{{- $repository = index .values.repositories ($entry.repository | default "") | default dict -}}
{{- end -}}
{{- $repository | toJson -}}
{{- end -}}

{{- define "fixture.imageEnv" -}}
{{- $entry := index (.values.images | default dict) .name -}}
{{- $env := list -}}
{{- if kindIs "map" $entry -}}{{- $env = $entry.env | default list -}}{{- end -}}
{{- $env | toJson -}}
{{- end -}}
[[- else -]]
{{/* what later versions keep in values.yaml */}}
{{- define "fixture.builtinImages" -}}
[[- range .Images ]]
[[ .Key ]]: {repository: [[ .Repository ]], image: "[[ .Image ]]"}
[[- end ]]
{{- end -}}

{{- define "fixture.builtinRepositories" -}}
aistor: {hostname: quay.io, pathPrefix: minio/aistor/}
minio: {hostname: quay.io, pathPrefix: minio/}
{{- end -}}

{{/* {name, values} -> JSON {repository, image}: the user's words laid over the built-in ones */}}
{{- define "fixture.entry" -}}
{{- $builtin := index (include "fixture.builtinImages" . | fromYaml) .name -}}
{{- $entry := index (.values.images | default dict) .name -}}
{{- $repository := $entry.repository | default "" -}}
{{- $image := $entry.image | default "" -}}
{{- if not $repository -}}
{{- if not $image -}}{{- $image = $builtin.image -}}{{- end -}}
{{- $repository = $builtin.repository -}}
{{- end -}}
{{- dict "repository" $repository "image" $image | toJson -}}
{{- end -}}

{{- define "fixture.repository" -}}
{{- $entry := include "fixture.entry" . | fromJson -}}
{{- $mine := index .values.repositories $entry.repository -}}
{{- $builtin := index (include "fixture.builtinRepositories" . | fromYaml) $entry.repository -}}
{{- $mine | default $builtin | default dict | toJson -}}
{{- end -}}

{{- define "fixture.image" -}}
{{- $entry := include "fixture.entry" . | fromJson -}}
{{- $repository := include "fixture.repository" . | fromJson -}}
{{- $ref := printf "%s%s" ($repository.pathPrefix | default "") $entry.image -}}
{{- with $repository.hostname -}}{{- $ref = printf "%s/%s" . $ref -}}{{- end -}}
{{- $ref -}}
{{- end -}}

{{- define "fixture.imageEnv" -}}
{{- $entry := index (.values.images | default dict) .name -}}
{{- $entry.env | default list | toJson -}}
{{- end -}}
[[- end ]]
