import fc from "fast-check";

// `npm run test:all`: properties are tried on twenty times as many cases. A property that says how many keeps its number.
if (process.env["WINDBREAK_LONG_TESTS"] === "1") fc.configureGlobal({ numRuns: 2_000 });
