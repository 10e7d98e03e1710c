import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { mountPointWarning } from "../../../src/policy/mount-point.js";

let directory: string;
let mountinfo: string;

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), "windbreak-")));
  mountinfo = join(directory, "mountinfo");
});

afterEach(() => rm(directory, { recursive: true }));

function mounts(...points: string[]): Promise<void> {
  const lines = points.map(
    (point, at) => `${at + 1} 1 8:1 /some/root ${point} rw,relatime shared:1 - ext4 /dev/sda rw\n`,
  );
  return writeFile(mountinfo, `22 27 0:21 / /proc rw,relatime - proc proc rw\n${lines.join("")}`);
}

describe("a policy file that is a mount point", () => {
  test("is warned of, with the remedy", async () => {
    const file = join(directory, "policy.yaml");
    await mounts(file);
    expect(await mountPointWarning(file, mountinfo)).toBe(
      `${file} is itself a mount point (a Kubernetes subPath or a single mounted file): a new version that replaces ` +
        "it by rename never arrives here; mount its directory instead",
    );
  });

  test("is found behind a linked directory", async () => {
    await mkdir(join(directory, "real"));
    await writeFile(join(directory, "real", "policy.yaml"), "");
    await symlink("real", join(directory, "link"));
    await mounts(join(directory, "real", "policy.yaml"));
    const warning = await mountPointWarning(join(directory, "link", "policy.yaml"), mountinfo);
    expect(warning).toContain("is itself a mount point");
  });

  test("is found under the escapes of its name", async () => {
    const file = join(directory, "my policy\\é\t.yaml");
    await mounts(file.replaceAll("\\", "\\134").replaceAll(" ", "\\040").replaceAll("\t", "\\011"));
    expect(await mountPointWarning(file, mountinfo)).toContain("is itself a mount point");
  });

  test("is not confused with its directory or its neighbours", async () => {
    const file = join(directory, "policy.yaml");
    await mounts(directory, `${file}.old`, join(directory, "policy"));
    expect(await mountPointWarning(file, mountinfo)).toBeUndefined();
  });

  test("is not looked for where nothing lists the mounts", async () => {
    expect(await mountPointWarning(join(directory, "policy.yaml"), join(directory, "absent"))).toBeUndefined();
  });

  test("is not what an ordinary file of this machine is", async () => {
    expect(await mountPointWarning(join(directory, "policy.yaml"))).toBeUndefined();
  });
});
