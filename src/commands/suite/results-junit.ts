import { countsOf, type SuiteResult, type SuiteRun } from "./results.js";
import { failureText } from "./results-text.js";

/** Write what became of suites as JUnit's XML, which CI systems read. A suite at fault is one case with an error. */
export function resultsJunit(results: readonly SuiteResult[]): string {
  const { passed, failed } = countsOf(results);
  const errors = results.filter(({ kind }) => kind === "faulty").length;
  const total = attributes({
    name: "windbreak policy test",
    tests: passed + failed + errors,
    failures: failed,
    errors,
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${total}>\n${results.map(suiteXml).join("")}</testsuites>\n`;
}

function suiteXml(result: SuiteResult): string {
  const { file } = result;
  if (result.kind === "run") return runXml(result);
  const [first = ""] = result.lines;
  const error = `<error${attributes({ message: first })}>${escaped(result.lines.join("\n"))}</error>`;
  const one = `    <testcase${attributes({ name: "the suite is sound", classname: file, file })}>${error}</testcase>\n`;
  return `  <testsuite${attributes({ name: file, tests: 1, failures: 0, errors: 1 })}>\n${one}  </testsuite>\n`;
}

function runXml(run: SuiteRun): string {
  const { file, cases } = run;
  const { failed } = countsOf([run]);
  const time = seconds(cases.reduce((sum, { tookMs }) => sum + tookMs, 0));
  const head = attributes({ name: file, tests: cases.length, failures: failed, errors: 0, time });
  const inner = cases.map(({ name, place, tookMs, failure }) => {
    const about = attributes({ name, classname: file, file, line: place.line, time: seconds(tookMs) });
    if (!failure) return `    <testcase${about}/>\n`;
    const message = failure.differences
      .map(({ field, expected, got }) => `${field}: expected ${expected}, got ${got}`)
      .join("; ");
    const why = `<failure${attributes({ message })}>${escaped(failureText(failure))}</failure>`;
    return `    <testcase${about}>${why}</testcase>\n`;
  });
  return `  <testsuite${head}>\n${inner.join("")}  </testsuite>\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replace(/\n/g, "&#10;")}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** What XML 1.0 cannot hold at all, an escape included, becomes U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}")
    .replace(/[&<>"]/g, (found) => ENTITIES[found] ?? found);
}
