import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBase } from "./base.js";
import { output } from "./output.js";

const OF_A_ROOT = "FROM scratch\nCOPY . /\nENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";

/** What an image says of itself, as far as the tests ask. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Healthcheck: { readonly Test: readonly string[] };
}

export interface BuiltImage {
  readonly config: ImageConfig;
  /** Digests of the files in each layer, the base first. */
  readonly layers: readonly string[];
  /** A root that holds the image's files; what is changed there is not in the image. */
  readonly root: string;
}

/** Builds images by buildah, in a storage of its own that is removed in the end. */
export class ImageBuilder {
  readonly #home = mkdtempSync(join(tmpdir(), "image-"));
  readonly #storage = [
    ...["--root", join(this.#home, "storage"), "--runroot", join(this.#home, "run")],
    ...["--storage-driver", "vfs"],
  ];

  private constructor() {}

  /** Make a storage, and in it the base that images are built from. */
  static async begin(): Promise<ImageBuilder> {
    const builder = new ImageBuilder();
    const base = join(builder.#home, "base");
    await makeBase(base);
    const file = join(builder.#home, "Dockerfile");
    writeFileSync(file, OF_A_ROOT);
    await builder.#buildah(["build", "--isolation", "chroot", "--tag", "localhost/base", "--file", file, base]);
    return builder;
  }

  /** Build a folder's image. OCI's own format has no place for a HEALTHCHECK. */
  async build(folder: string, args: Readonly<Record<string, string>>): Promise<BuiltImage> {
    const given = Object.entries({ BASE: "localhost/base", ...args }).flatMap(([name, value]) => [
      "--build-arg",
      `${name}=${value}`,
    ]);
    const flags = ["--isolation", "chroot", "--format", "docker", "--timestamp", "0", "--quiet", ...given];
    const id = (await this.#buildah(["build", ...flags, folder])).trim();
    const { Docker } = JSON.parse(await this.#buildah(["inspect", "--type", "image", id]));
    const container = (await this.#buildah(["from", id])).trim();
    const root = (await this.#buildah(["mount", container])).trim();
    return { config: Docker.config, layers: Docker.rootfs.diff_ids, root };
  }

  async end(): Promise<void> {
    await output("rm", ["-r", "-f", this.#home]);
  }

  #buildah(args: readonly string[]): Promise<string> {
    return output("buildah", [...this.#storage, ...args]);
  }
}
