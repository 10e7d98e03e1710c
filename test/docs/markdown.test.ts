import { describe, expect, it } from "vitest";
import { faultsOf } from "./judge.js";
import { anchorsOf, linksIn, parsePage } from "./markdown.js";
import { markOf } from "./marks.js";
import { jsonFault, textFault } from "./outputs.js";
import { Stage } from "./stage.js";

const blockOf = (text: string) => {
  const [block] = parsePage("docs/page.md", text).blocks;
  if (block === undefined) throw new Error("no block");
  return block;
};
const judged = async (text: string) => {
  const stage = await Stage.open(text);
  const faults: string[] = [];
  const reading = { stage, last: undefined };
  for (const block of parsePage("docs/page.md", text).blocks) faults.push(...(await faultsOf(block, reading)));
  return faults;
};

describe("a page", () => {
  it("is taken apart into blocks with their places, marks and the prose before them", () => {
    const { blocks } = parsePage(
      "docs/page.md",
      "# A\n\nSave as `a.yaml`:\n\n```yaml\na: 1\n```\n\n<!-- output -->\n```\nb\n```\n",
    );
    expect(blocks).toMatchObject([
      { at: "docs/page.md:5", line: 6, language: "yaml", text: "a: 1\n", mark: undefined, follows: false },
      { at: "docs/page.md:10", language: "", text: "b\n", mark: "output", follows: true },
    ]);
    expect(blocks[0]?.prose).toBe("Save as `a.yaml`:");
  });

  it("has blocks that are indented, but for what goes on in a list", () => {
    const { blocks } = parsePage("p.md", "Do:\n\n    one\n\n      two\n\nthen\n");
    expect(blocks).toMatchObject([{ at: "p.md:3", line: 3, language: "", text: "one\n\n  two\n", prose: "Do:" }]);
    expect(parsePage("p.md", "- one\n\n    more of it\n").blocks).toEqual([]);
  });

  it("says where a block does not end", () => {
    expect(parsePage("p.md", "```sh\nls\n").faults).toEqual(["p.md:1: the block never ends; close its fence"]);
  });

  it("has the anchors that GitHub gives its headings", () => {
    const page = parsePage("p.md", "# Who is `asking`: `--identity`\n## A, b & c\n## A, b & c\n");
    expect([...anchorsOf(page)]).toEqual(["who-is-asking---identity", "a-b--c", "a-b--c-1"]);
  });

  it("has no link in code", () => {
    expect(linksIn("[a](b.md#c) `[x](y)` ![p](q.png)")).toEqual(["b.md#c", "q.png"]);
  });
});

describe("a block", () => {
  it("of an unknown language is a fault with its place and a remedy", async () => {
    expect(await judged("```cobol\nSTOP RUN.\n```\n")).toEqual([
      expect.stringMatching(/^docs\/page\.md:1: nobody runs cobol; name one of sh, .*or mark it/),
    ]);
    expect(await judged("```\nls\n```\n")).toEqual([expect.stringMatching(/^docs\/page\.md:1: the block names no/)]);
  });

  it("is left out for a known reason only", () => {
    expect(markOf(blockOf("<!-- not run: needs a Docker engine -->\n```sh\ndocker run x\n```\n")).kind).toBe("not run");
    expect(markOf(blockOf("<!-- not run: run by test/docs/markdown.test.ts -->\n```go\n```\n")).kind).toBe("not run");
    for (const because of ["not today", "run by test/no-such.test.ts"]) {
      expect(markOf(blockOf(`<!-- not run: ${because} -->\n\`\`\`sh\nls\n\`\`\`\n`))).toEqual({
        kind: "faulty",
        fault: expect.stringMatching(/^docs\/page\.md:2: the mark .* is not known; write/),
      });
    }
  });

  it("is a fault where its commands fail, or would change this machine, or cannot be run as they stand", async () => {
    expect(await judged("```sh\nfalse\n```\n")).toEqual(["docs/page.md:1: ends with 1:\n"]);
    expect(await judged("```sh\nnpm install left-pad\n```\n")).toEqual([expect.stringMatching(/mark the block/)]);
    expect(await judged("```sh\nls …\n```\n")).toEqual([expect.stringMatching(/cannot be run; write an example/)]);
    expect(await judged("```text\nwindbreak health\n```\n")).toEqual([expect.stringMatching(/never run; name its/)]);
  });

  it("is a fault where it shows what does not come", async () => {
    expect(await judged("```console\n$ echo one 2 three\none 1 three\n$ echo b\n…\n```\n")).toEqual([]);
    expect(await judged("    windbreak --version\n\n```\n0.1.0\n```\n")).toEqual([]);
    expect(await judged("    windbreak --version\n\n```\nzero\n```\n")).toEqual([
      expect.stringMatching(/it shows "zero"/),
    ]);
    expect(await judged("```console\n$ echo one\ntwo\n```\n")).toEqual([expect.stringMatching(/it shows "two"/)]);
    expect(await judged('```sh\necho \'{"a": 1}\'\n```\n\n```json\n{"a": 2}\n```\n')).toEqual([]);
    expect(await judged('```sh\necho \'{"a": 1}\'\n```\n\n```json\n{"b": 2}\n```\n')).toEqual([
      expect.stringMatching(/in vain \.b; not shown \.a/),
    ]);
    const unrun = "<!-- not run: needs a Docker engine -->\n```sh\ndocker ps\n```\n";
    expect(await judged(`\`\`\`sh\necho 1\n\`\`\`\n\n${unrun}\n\`\`\`json\n{"b": 2}\n\`\`\`\n`)).toEqual([]);
    expect(await judged("```json\n{\n```\n")).toHaveLength(1);
  });

  it("is a fault where it is a policy, a suite or a question to Prometheus that is none", async () => {
    expect(await judged("```yaml\nroles:\n  a: { modles: [x] }\n```\n")).not.toEqual([]);
    expect(await judged("```yaml\ngiven: { workspaces.none.usd_per_day: 1 }\n```\n")).not.toEqual([]);
    expect(await judged("```yaml\ngoats: 3\n```\n")).toEqual([expect.stringMatching(/nobody knows; add its kind/)]);
    expect(await judged("```promql\nrate(windbreak_goats_total[5m])\n```\n")).toHaveLength(1);
  });
});

describe("an output", () => {
  it("may differ in numbers, ids and times, and in lines that … stands for", () => {
    expect(textFault("a 12 s  b\n…\nend $3.5\n", "x\na 7 s b\nbetween\nend $4\n")).toBeUndefined();
    expect(textFault("b\na\n", "a\nb\n")).toMatch(/^it shows "a"/);
  });

  it("is held by the keys of its JSON at any depth", () => {
    expect(jsonFault('{"a": [{"b": 1}]}', 'HTTP/1.1 200\n\n{"a": [{"b": 2}, {"b": 3}]}')).toBeUndefined();
    expect(jsonFault('{"a": [{"b": 1}]}', '{"a": [{"c": 2}]}')).toMatch(/in vain \.a\[\]\.b; not shown \.a\[\]\.c/);
    expect(jsonFault("{}", "no JSON")).toMatch(/what came is none/);
  });
});
