// Takes docs/operations-page.png: the built service under a sample of calls, as a browser shows it. Needs Chromium.
//   node test/page/screenshot.mjs [FILE] [light|dark] [WIDTH]

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import { askLikeMany, writePolicy } from "./sample.mjs";

const [file = "docs/operations-page.png", colorScheme = "light", width = "1120"] = process.argv.slice(2);
const SECONDS = Number(process.env["SECONDS_OF_CALLS"] ?? 150);
const HEIGHT = 1_028;

const folder = mkdtempSync(join(tmpdir(), "page-"));
const main = join(import.meta.dirname, "../../dist/main.js");
const serve = ["serve", "--policy", writePolicy(folder), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
const server = spawn(process.execPath, [main, ...serve], { stdio: ["ignore", "ignore", "pipe"] });
const browser = await chromium.launch({
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const { address, admin } = await addresses();
  const context = await browser.newContext({
    viewport: { width: Number(width), height: HEIGHT },
    colorScheme,
    timezoneId: "Europe/Paris",
  });
  const page = await context.newPage();
  await page.goto(`http://${admin}/`);
  const asking = askLikeMany(address, { perSecond: 60, seconds: SECONDS });
  await new Promise((resolve) => setTimeout(resolve, (SECONDS - 3) * 1_000));
  await page.screenshot({ path: file });
  await asking;
} finally {
  await browser.close();
  server.kill("SIGKILL");
  rmSync(folder, { recursive: true });
}

/** Where it listens, once it does. */
function addresses() {
  return new Promise((resolve, reject) => {
    let address = "";
    server.once("exit", () => reject(new Error("the server has ended")));
    createInterface({ input: server.stderr }).on("line", (line) => {
      const listens = / listening on ([\d.:]+)/.exec(line.replaceAll('"', " "));
      if (listens) address = listens[1];
      const admin = /admin port on http:\/\/([\d.:]+)/.exec(line);
      if (admin) resolve({ address, admin: admin[1] });
    });
  });
}
