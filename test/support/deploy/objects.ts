import { parseAllDocuments } from "yaml";

/** An object of Kubernetes, as far as the tests look at it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Labels };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
  /** Of a Role. */
  readonly rules?: readonly object[];
  /** Of a RoleBinding. */
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
}

type Labels = Readonly<Record<string, string>>;

interface Spec {
  readonly replicas?: number;
  readonly selector?: { readonly matchLabels?: Labels };
  readonly podSelector?: { readonly matchLabels?: Labels };
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** What a NetworkPolicy lets through. */
export interface Rule {
  readonly from?: readonly object[];
  readonly to?: readonly object[];
  readonly ports?: readonly { readonly port: string | number }[];
}

export interface PodSpec {
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: object;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly restartPolicy?: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[];
}

export interface Probe {
  readonly exec?: { readonly command: readonly string[] };
  readonly httpGet?: { readonly path: string; readonly port: string };
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string; readonly defaultMode: number };
  readonly emptyDir?: object;
}

/** Read the objects of a rendering. @throws Error where it is no YAML. */
export function objectsIn(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [fault] = document.errors;
    if (fault) throw fault;
    const object: KubernetesObject | null = document.toJS();
    return object === null ? [] : [object];
  });
}

/** Find an object. @throws Error where there is none. */
export function objectOf(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** A Deployment's pod. @throws Error where the object has none. */
export function podOf({ kind, metadata, spec }: KubernetesObject): PodSpec {
  if (!spec?.template) throw new Error(`${kind} ${metadata.name} has no pod`);
  return spec.template.spec;
}

/** All containers of a pod, sidecars first. */
export function containersOf({ initContainers = [], containers }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}

/** The pod in which a Windbreak runs, and its container. @throws Error where there is none. */
export function windbreakIn(objects: readonly KubernetesObject[]): {
  readonly pod: PodSpec;
  readonly container: Container;
} {
  for (const object of objects.filter(({ kind }) => kind === "Deployment")) {
    const pod = podOf(object);
    const container = containersOf(pod).find(({ name }) => name === "windbreak");
    if (container) return { pod, container };
  }
  throw new Error("no container is a Windbreak");
}
