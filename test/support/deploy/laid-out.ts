import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a container finds where a volume is mounted: the files of a ConfigMap or a Secret; none in an emptyDir. */
export type Mounts = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A container's directories somewhere else on this machine. */
export interface LaidOut {
  /** Say where something is, with every path in it that lies in a mount. */
  readonly moved: (text: string) => string;
  /** Give a volume other files, as the kubelet does. */
  readonly swap: (mountPath: string, files: Readonly<Record<string, string>>) => void;
}

/**
 * Lay mounts out below a directory, as the kubelet does: each file is a link to `..data/FILE`, and `..data` a link to a
 * directory with a date in its name, which a new content replaces by a rename. Paths in the files are moved as well.
 */
export function laidOut(root: string, mounts: Mounts): LaidOut {
  // Sockets have little room for a path, so mounts have short names.
  const places = Object.keys(mounts).map((path, nth) => [path, join(root, String(nth))] as const);
  const placeOf = (path: string) => places.find(([mounted]) => mounted === path)?.[1] ?? "";
  const moved = (text: string) =>
    places.reduce((before, [path, place]) => before.replaceAll(`${path}/`, `${place}/`), text);
  let contents = 0;
  const swap = (path: string, files: Readonly<Record<string, string>>) => {
    const place = placeOf(path);
    contents += 1;
    const content = `..2026_11_29_10_00_00.${contents}`;
    mkdirSync(join(place, content));
    for (const [name, text] of Object.entries(files))
      writeFileSync(join(place, content, name), moved(text), { mode: 0o440 });
    symlinkSync(content, join(place, "..data_tmp"));
    renameSync(join(place, "..data_tmp"), join(place, "..data"));
  };
  for (const [path, files] of Object.entries(mounts)) {
    mkdirSync(placeOf(path));
    if (Object.keys(files).length === 0) continue;
    swap(path, files);
    for (const name of Object.keys(files)) symlinkSync(join("..data", name), join(placeOf(path), name));
  }
  return { moved, swap };
}
