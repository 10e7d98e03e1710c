import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";

/** What tells this process from others. */
export interface Named {
  readonly version: string;
  /** New at each start. */
  readonly instance: string;
}

/** Name this process for whatever it exports. Neither host nor command line is told. */
export function ownResource({ version, instance }: Named): Resource {
  const own = { "service.name": "windbreak", "service.version": version, "service.instance.id": instance };
  return defaultResource().merge(resourceFromAttributes(own));
}
