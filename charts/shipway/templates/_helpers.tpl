{{- define "shipway.name" -}}
{{- .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "shipway.selectorLabels" -}}
app.kubernetes.io/name: {{ include "shipway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "shipway.labels" -}}
{{ include "shipway.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: shipway
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "shipway.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "shipway.name" .) }}
{{- end }}

{{- /* Call with (dict "image" IMAGE "context" $). */}}
{{- define "shipway.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .context.Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* The security of every container we make: Pod Security "restricted" and a read-only root. */}}
{{- define "shipway.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "shipway.kserve" -}}
{{- if eq (toString .Values.kserve.enabled) "auto" -}}
{{- .Capabilities.APIVersions.Has "serving.kserve.io/v1alpha1/ClusterServingRuntime" }}
{{- else -}}
{{- .Values.kserve.enabled }}
{{- end }}
{{- end }}

{{- define "shipway.kserveKept" -}}
{{- if .Values.kserve.keep -}}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}

{{- define "shipway.actionStamp" -}}
{{- if ne .Values.actionStamp.mode "auto" -}}
{{- .Values.actionStamp.mode }}
{{- else if or (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy") -}}
mutating
{{- else -}}
validating
{{- end }}
{{- end }}

{{- /* Annotations of the object as sent, and as stored (none when it is new). */}}
{{- define "shipway.annotationsNow" -}}
object.metadata.?annotations.orValue({})
{{- end }}
{{- define "shipway.annotationsBefore" -}}
(oldObject == null ? {} : oldObject.metadata.?annotations.orValue({}))
{{- end }}

{{- /* Which requests the policies about actions look at: those that change an action or who is said to have asked. */}}
{{- define "shipway.actionMatch" -}}
matchConstraints:
  resourceRules:
    - apiGroups: [shipway.dev]
      apiVersions: [v1alpha1]
      operations: [CREATE, UPDATE]
      resources: [servingdeployments]
matchConditions:
  - name: an-action-changed
    expression: >-
      ['shipway.dev/action', 'shipway.dev/action-id', 'shipway.dev/action-by'].exists(key,
      {{ include "shipway.annotationsNow" . }}[?key] != {{ include "shipway.annotationsBefore" . }}[?key])
{{- end }}

{{- /* Which requests the policies about Incidents look at: those by which somebody takes one up, closes it, or takes that
back. Only the operator makes Incidents, and a backup that is restored keeps its names. */}}
{{- define "shipway.incidentMatch" -}}
matchConstraints:
  resourceRules:
    - apiGroups: [shipway.dev]
      apiVersions: [v1alpha1]
      operations: [UPDATE]
      resources: [incidents]
matchConditions:
  - name: a-name-changed
    expression: >-
      {{ include "shipway.incidentNames" . }}.exists(key,
      {{ include "shipway.annotationsNow" . }}[?key] != {{ include "shipway.annotationsBefore" . }}[?key])
{{- end }}

{{- /* The annotations of an Incident whose value is a name. */}}
{{- define "shipway.incidentNames" -}}
['shipway.dev/acknowledged-by', 'shipway.dev/resolved-by']
{{- end }}

{{- /* The newest version of MutatingAdmissionPolicy that the cluster has. */}}
{{- define "shipway.mutatingApi" -}}
{{- if and (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy") (not (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")) -}}
admissionregistration.k8s.io/v1beta1
{{- else -}}
admissionregistration.k8s.io/v1
{{- end }}
{{- end }}
