import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Verdict } from "../redis/servers-at-hand.js";

const PROGRAMS = ["buildah", "mmdebstrap", "unshare", "nsenter", "ip"];

/** Judge whether an image can be built and run here, which takes minutes, root, and programs of Debian's. */
export function judgeImage(): Verdict {
  if (process.env["WINDBREAK_LONG_TESTS"] !== "1") return skip("npm run test:all builds it");
  if (process.platform !== "linux" || process.getuid?.() !== 0) return skip("it takes root on Linux");
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = PROGRAMS.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return { kind: "run" };
  return skip(`missing: ${missing.join(", ")}; on Debian, apt-get install buildah mmdebstrap util-linux iproute2`);
}

function skip(because: string): Verdict {
  return { kind: "skip", because };
}
