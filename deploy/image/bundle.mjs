import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { latePackages } from "./late-packages.mjs";
import { noticesOf } from "./notices.mjs";

// `npm run bundle`: all that the image runs, in build/app, out of dist/ and the installed packages. Files that the program
// reads beside its modules stand beside the parts here: every module with such a file is in a part, none is in main.js.

const ROOT = join(import.meta.dirname, "../..");
const APP = join(ROOT, "build/app");

/** What CommonJS packages expect to find, of which a module has none. */
const COMMON_JS = `
import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;
`;

/** Not minified, which would spare 10 MiB more: a stack in the log, and the line that it shows, are to be read. */
async function bundle() {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { main: "dist/main.js", "parts/read-worker": "dist/policy/read-worker.js" },
    outdir: join(APP, "dist"),
    // Commands and OpenTelemetry are loaded where they are asked for, as in dist/.
    splitting: true,
    plugins: [latePackages],
    chunkNames: "parts/[name]-[hash]",
    bundle: true,
    // `debug` takes it where it finds it; it is there only where one develops.
    external: ["supports-color"],
    format: "esm",
    platform: "node",
    target: "node20.19",
    legalComments: "none",
    banner: { js: COMMON_JS },
    metafile: true,
  });
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

/**
 * @param {string} from relative to the root.
 * @param {string} to relative to what the image runs.
 */
function copy(from, to) {
  cpSync(join(ROOT, from), join(APP, to), { recursive: true });
}

rmSync(APP, { recursive: true, force: true });
mkdirSync(join(APP, "dist"), { recursive: true });
const bundled = await bundle();
const { name, version, type, license } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
writeFileSync(join(APP, "dist/package.json"), `${JSON.stringify({ name, version, type, license })}\n`);
copy("dist/gen/descriptors.binpb", "dist/gen/descriptors.binpb");
copy("dist/page", "dist/page");
copy("dist/counters/redis/lua", "dist/parts/lua");
copy("proto", "proto");
copy("LICENSE", "LICENSE");
writeFileSync(join(APP, "THIRD-PARTY-NOTICES"), noticesOf(ROOT, bundled));
