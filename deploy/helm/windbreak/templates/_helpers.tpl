{{/* What every object is called by: the release. */}}
{{- define "windbreak.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "windbreak.policyConfigMap" -}}
{{- .Values.policyConfigMap | default (printf "%s-policy" (include "windbreak.name" .)) -}}
{{- end -}}

{{- define "windbreak.image" -}}
{{- $tag := printf ":%s" (.Values.image.tag | default .Chart.AppVersion) -}}
image: "{{ .Values.image.repository }}{{ empty .Values.image.digest | ternary $tag (printf "@%s" .Values.image.digest) }}"
{{- with .Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- end -}}

{{/* Of every container here. */}}
{{- define "windbreak.containerSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{/* The group may read Secrets, and connect to sockets of mode 0660. */}}
{{- define "windbreak.podSecurity" -}}
securityContext:
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What is mounted in every Windbreak. Whole directories: a subPath would never be told of a new policy. */}}
{{- define "windbreak.mounts" -}}
- { name: windbreak-policy, mountPath: /etc/windbreak/policy, readOnly: true }
- { name: windbreak-state, mountPath: /var/lib/windbreak }
{{- if .Values.envoy.enabled }}
- { name: windbreak-mistral, mountPath: /etc/windbreak/mistral, readOnly: true }
{{- end }}
{{- end -}}

{{/* Secrets with mode 0440, which is 288. */}}
{{- define "windbreak.volumes" -}}
- name: windbreak-policy
  configMap: { name: {{ include "windbreak.policyConfigMap" . }} }
- name: windbreak-state
  emptyDir: { sizeLimit: 512Mi }
{{- if .Values.envoy.enabled }}
- name: windbreak-mistral
  secret: { secretName: {{ .Values.secrets.mistral }}, defaultMode: 288 }
{{- end }}
{{- end -}}

{{- define "windbreak.extraArgs" -}}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{- define "windbreak.extraEnv" -}}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Envoy as deploy/envoy has it, and where its configuration is. */}}
{{- define "windbreak.envoy" -}}
image: "{{ .Values.envoy.image.repository }}:{{ .Values.envoy.image.tag }}"
args:
  - --config-path
  - /etc/envoy/config/{{ .Values.mode | replace "shared" "gateway" }}.yaml
  - --disable-hot-restart
  - --concurrency
  - "2"
{{- end -}}

{{- define "windbreak.spread" -}}
maxSkew: 1
whenUnsatisfiable: ScheduleAnyway
matchLabelKeys: [pod-template-hash]
{{- end -}}
